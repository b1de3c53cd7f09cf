"""Works out the numbers that Word shows before list items and headings and does not store."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PLACE = re.compile(r"%(\d)")
ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One depth of a list: how it counts and what its label looks like (`%1.%2`)."""

    style: str = "decimal"
    pattern: str = ""
    start: int = 1


@dataclass(slots=True)
class Numbering:
    """Counts list items in document order. ECMA-376 part 1, 17.9 describes the rules."""

    levels: dict[str, dict[int, Level]] = field(default_factory=dict)
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)
    counters: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, numbering: etree._Element | None, styles: etree._Element | None) -> "Numbering":
        """From the document's numbering and style parts; either may be absent."""
        found = cls()
        if numbering is not None:
            abstract = {
                each.get(W + "abstractNumId"): _levels(each)
                for each in numbering.iterfind(W + "abstractNum")
            }
            for each in numbering.iterfind(W + "num"):
                levels = abstract.get(_value(each, "abstractNumId"), {})
                found.levels[each.get(W + "numId") or ""] = levels
        for style in styles.iterfind(W + "style") if styles is not None else ():
            reference = _reference(style.find(W + "pPr"))
            if reference:
                found.styles[style.get(W + "styleId") or ""] = reference
        return found

    def label(self, paragraph: etree._Element) -> str:
        """What Word would show before the paragraph: `2.1`, `(a)`, `-` for a bullet, or nothing."""
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return ""
        style = _value(properties, "pStyle")
        reference = _reference(properties) or self.styles.get(style)
        if reference is None or reference[0] not in self.levels:
            return ""
        number, depth = reference
        levels = self.levels[number]
        level = levels.get(depth)
        if level is None or level.style == "none":
            return ""
        counter = self.counters[number]
        counter[depth] = counter.get(depth, level.start - 1) + 1
        for deeper in [each for each in counter if each > depth]:
            del counter[deeper]
        if level.style == "bullet":
            return "-"

        def shown(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            place = levels.get(at, Level())
            return _spell(counter.get(at, place.start), place.style)

        return PLACE.sub(shown, level.pattern)


def _levels(abstract: etree._Element) -> dict[int, Level]:
    return {
        _number(each.get(W + "ilvl")): Level(
            style=_value(each, "numFmt") or "decimal",
            pattern=_value(each, "lvlText"),
            start=_number(_value(each, "start"), 1),
        )
        for each in abstract.iterfind(W + "lvl")
    }


def _reference(properties: etree._Element | None) -> tuple[str, int] | None:
    """The list and the depth that paragraph properties name."""
    found = properties.find(W + "numPr") if properties is not None else None
    if found is None or not _value(found, "numId"):
        return None
    return _value(found, "numId"), _number(_value(found, "ilvl"))


def _value(parent: etree._Element, name: str) -> str:
    child = parent.find(W + name)
    return (child.get(W + "val") or "") if child is not None else ""


def _number(text: str | None, default: int = 0) -> int:
    """A small count, whatever a damaged file says."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else default


def _spell(number: int, style: str) -> str:
    if style in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 9)
        return letter.upper() if style == "upperLetter" else letter
    if style in ("lowerRoman", "upperRoman"):
        return _roman(number).upper() if style == "upperRoman" else _roman(number)
    return f"{number:02d}" if style == "decimalZero" else str(number)


def _roman(number: int) -> str:
    spelled = ""
    number = min(number, 3999)
    for value, sign in ROMAN:
        spelled += sign * (number // value)
        number %= value
    return spelled
