"""Turns raw text into the text that is stored, and remembers where each character came from.

Every change is an edit (a piece of the old text and what stands there now), so that a place in the
clean text can be followed back to the place in the raw text: the page renderer needs it to find
the boxes of a passage.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

HYPHEN_BREAK = "\x02"
"""Stands in raw PDF text for a hyphen at the end of a line, as PDFium marks it."""

LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}

# Joiners between letters of scripts that need them (Persian, Indic) stay; elsewhere they hide text.
INVISIBLE = (
    r"[\U000e0000-\U000e007f\U000e0100-\U000e01ef\ufe00-\ufe0f\u061c\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad\u180e\u115f\u1160\u3164\uffa0]"
    r"|(?<![\u0590-\u1fff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\u1fff])"
)
CONTROL = r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]"
CHANGES = re.compile(
    rf"(?P<line>\r\n|[\r\u2028\u2029\x85\x0b\x0c])|(?P<hidden>(?:{INVISIBLE})+)"
    rf"|(?P<control>{CONTROL}+)|(?P<space>[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000])"
    r"|(?P<ligature>[\ufb00-\ufb06])"
)
OUTER_SPACE = re.compile(r"[ \t]+(?=\n)|\A\s+|\s+\Z")
BLANK_LINES = re.compile(r"(?<=\n\n)\n+")

Edit = tuple[int, int, str]


@dataclass(slots=True)
class Traced:
    """A text under change. `origin` follows a place in `text` back to the text it began as."""

    text: str
    stages: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def apply(self, edits: Iterable[Edit]) -> None:
        """Replaces pieces of the text. The edits are in order and do not overlap."""
        pieces: list[str] = []
        anchors = [(0, 0, 0)]
        old = new = 0
        for start, end, replacement in edits:
            pieces += (self.text[old:start], replacement)
            new += start - old
            anchors.append((new, start, end))
            new += len(replacement)
            anchors.append((new, end, end))
            old = end
        if len(anchors) > 1:
            self.text = "".join(pieces) + self.text[old:]
            self.stages.append(anchors)

    def origin(self, position: int) -> int:
        """The place in the first text of the character at `position` of the present text."""
        for anchors in reversed(self.stages):
            new, start, end = anchors[bisect_right(anchors, position, key=lambda a: a[0]) - 1]
            inside = start + position - new
            position = min(inside, end - 1) if end > start else inside
        return position


def clean(traced: Traced) -> int:
    """Makes the text plain: `\\n` line ends, NFC, nothing invisible. Returns the number removed."""
    hidden = 0
    edits: list[Edit] = []
    for match in CHANGES.finditer(traced.text):
        start, end = match.span()
        match match.lastgroup:
            case "line":
                edits.append((start, end, "\n"))
            case "space":
                edits.append((start, end, " "))
            case "ligature":
                edits.append((start, end, LIGATURES[match.group()]))
            case "hidden":
                hidden += end - start
                edits.append((start, end, ""))
            case _:
                edits.append((start, end, ""))
    traced.apply(edits)
    if not unicodedata.is_normalized("NFC", traced.text):
        traced.apply(_compositions(traced.text))
    for surplus in (OUTER_SPACE, BLANK_LINES):
        traced.apply((m.start(), m.end(), "") for m in surplus.finditer(traced.text))
    return hidden


def clean_text(raw: str) -> tuple[str, int]:
    """The clean text, and the number of invisible characters that were removed."""
    traced = Traced(raw)
    hidden = clean(traced)
    return traced.text, hidden


def hidden_note(count: int) -> tuple[str, ...]:
    """The sentence for the sender when invisible characters were removed, or nothing."""
    if not count:
        return ()
    what = "invisible character was" if count == 1 else "invisible characters were"
    return (f"{count:,} {what} removed.",)


def _compositions(text: str) -> Iterable[Edit]:
    start = 0
    for index in range(1, len(text) + 1):
        if index < len(text) and _joins_left(text[index]):
            continue
        cluster = text[start:index]
        composed = unicodedata.normalize("NFC", cluster)
        if composed != cluster:
            yield start, index, composed
        start = index


def _joins_left(char: str) -> bool:
    """Whether NFC may merge the character into the one before it: marks and Hangul letters."""
    if char < "\u0300":
        return False
    return unicodedata.category(char)[0] == "M" or "\u1161" <= char <= "\u11ff"
