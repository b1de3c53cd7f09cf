"""Builds the text of one PDF page, and the way back from each character to its place on the page.

Reading and rendering share `page_text`, so a passage's offsets and its boxes cannot disagree.
"""

import ctypes
import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

import pypdfium2
import pypdfium2.raw as pdfium

from assistant.documents.parse.clean import HYPHEN_BREAK, Edit, Traced, clean

UNMAPPED = "\ufffd"
LINE_END = re.compile(r"\r\n|\n|\r")
BROKEN_WORD = re.compile(rf"(?P<left>[\w-]*\w){HYPHEN_BREAK}\s*(?P<right>\w+)|{HYPHEN_BREAK}")
WORD = re.compile(r"\w+(?:-\w+)*")
LARGE_PICTURE = 0.5
LITTLE_TEXT = 200
BLOCK_GAP = 1.35
"""A line this much lower than usual for the page begins a new block."""
SMALL_STEP = 0.4
"""A step of less than this share of the usual one stays on the same line."""
# First parts of words whose hyphen belongs to the word.
HYPHENATED = frozenset(
    "all anti bi by co cross ex extra full half high in inter intra long low mid multi non off on "
    "one out over part post pre pro pseudo quasi re self semi short sub super third to top two "
    "ultra un under up vice well".split()
)
# Words made of two words, which a line end may part.
COMPOUND = frozenset(
    "another become became because before between cannot forward furthermore hereafter hereby "
    "herein hereof hereto hereunder however indeed inside instead into moreover notwithstanding "
    "otherwise outside overall therefore therein thereof thereto thereunder throughout toward "
    "towards understand undertake upon whereas whereby wherein within without".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """One page's clean text. `traced.origin(i)` is an index into `char_indexes`."""

    traced: Traced
    char_indexes: tuple[int, ...] | range
    hidden_chars: int
    left_out: int
    picture_share: float

    @property
    def is_picture(self) -> bool:
        """Whether a large picture with next to no text may hold words that were not read."""
        return self.picture_share >= LARGE_PICTURE and len(self.text) < LITTLE_TEXT

    @property
    def text(self) -> str:
        """The text as stored."""
        return self.traced.text

    def char_index(self, position: int) -> int:
        """PDFium's index of the character at a place in the text."""
        return self.char_indexes[self.traced.origin(position)]


def page_text(
    text_page: pypdfium2.PdfTextPage,
    hidden: frozenset[int] = frozenset(),
    *,
    picture_share: float = 0.0,
) -> PageText:
    """The page's text in the order of its content, without the objects at the addresses given."""
    raw = text_page.raw
    count = max(text_page.count_chars(), 0)
    indexes: tuple[int, ...] | range = range(count)
    if hidden:
        indexes = tuple(i for i in indexes if not _belongs_to(raw, i, hidden))
    get_unicode = pdfium.FPDFText_GetUnicode
    codes = [get_unicode(raw, index) for index in indexes]
    text = "".join(map(chr, codes)).replace("\x00", UNMAPPED)
    if HYPHEN_BREAK in text:
        text = _only_real_breaks(raw, text, indexes)
    traced = Traced(text)
    traced.apply(_blocks(raw, text, indexes))
    if HYPHEN_BREAK in text:
        traced.apply(_joined(traced.text))
    return PageText(
        traced=traced,
        char_indexes=indexes,
        hidden_chars=clean(traced),
        left_out=count - len(indexes),
        picture_share=picture_share,
    )


def _belongs_to(raw: pdfium.FPDF_TEXTPAGE, index: int, hidden: frozenset[int]) -> bool:
    found = pdfium.FPDFText_GetTextObject(raw, index)
    return bool(found) and ctypes.addressof(found.contents) in hidden


def _only_real_breaks(
    raw: pdfium.FPDF_TEXTPAGE, text: str, indexes: tuple[int, ...] | range
) -> str:
    """Drops the mark where PDFium does not call it a hyphen: some fonts use its code for glyphs."""
    return "".join(
        UNMAPPED if char == HYPHEN_BREAK and pdfium.FPDFText_IsHyphen(raw, index) != 1 else char
        for char, index in zip(text, indexes, strict=True)
    )


def _blocks(raw: pdfium.FPDF_TEXTPAGE, text: str, indexes: tuple[int, ...] | range) -> list[Edit]:
    """A blank line where the step down to the next line is larger than the page's usual step."""
    ends = list(LINE_END.finditer(text))
    starts = [0, *(match.end() for match in ends)]
    heights = [_baseline(raw, indexes, text, start) for start in starts]
    steps = [
        above - below if above is not None and below is not None else None
        for above, below in pairwise(heights)
    ]
    downward = [round(step, 1) for step in steps if step is not None and step > 1]
    if not downward:
        return []
    usual = median_low(downward)
    edits: list[Edit] = []
    for match, step in zip(ends, steps, strict=True):
        if step is None:
            continue
        if step > usual * BLOCK_GAP or step < -usual:
            edits.append((match.start(), match.end(), "\n\n"))
        elif abs(step) < usual * SMALL_STEP:
            edits.append((match.start(), match.end(), " "))
    return edits


def _baseline(
    raw: pdfium.FPDF_TEXTPAGE, indexes: tuple[int, ...] | range, text: str, start: int
) -> float | None:
    """The height on the page of the line that begins at `start`, or None if it is empty."""
    while start < len(text) and text[start] in " \t":
        start += 1
    if start >= len(text) or text[start] in "\r\n":
        return None
    x, y = ctypes.c_double(), ctypes.c_double()
    found = pdfium.FPDFText_GetCharOrigin(raw, indexes[start], x, y)
    return y.value if found else None


def _joined(text: str) -> list[Edit]:
    """Each hyphen at a line end: dropped inside a broken word, kept in a word that has one.

    The page itself tells most often: `agree-ment` joins because `ment` is no word of it,
    `third-party` stays because `third` or `third-party` is.
    """
    words = {word.lower() for word in WORD.findall(text.replace(HYPHEN_BREAK, " \n"))}
    edits: list[Edit] = []
    for match in BROKEN_WORD.finditer(text):
        mark = match.start() if match["left"] is None else match.end("left")
        keep = match["left"] is None or _has_hyphen(match["left"], match["right"], words)
        end = match.start("right") if match["right"] else mark + 1
        edits.append((mark, end, "-" if keep else ""))
    return edits


def _has_hyphen(left: str, right: str, words: set[str]) -> bool:
    first, last = left.lower(), right.lower()
    if f"{first}-{last}" in words:
        return True
    if first + last in words or first + last in COMPOUND:
        return False
    if "-" in first or first in HYPHENATED or not right[0].islower() or left[-1].isdigit():
        return True
    return first in words and last in words
