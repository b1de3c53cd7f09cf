"""Cuts a text into passages of whole sentences for search and citation.

Where a passage ends is decided by the words around the place, not by what came before, so that a
changed sentence moves only the passages near it: the rest keep their text, and their vectors.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from assistant.documents.parse import Page
from assistant.documents.sentences import Span, split

TINY = 20
"""A passage of fewer tokens than this joins its neighbour on the same page."""
PARAGRAPH_BONUS = 1.0
"""More than any hash: the end of a paragraph always wins over the middle of one."""
HASH_RANGE = 2**32

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage: code points of the text, end exclusive, and the page it begins on."""

    start: int
    end: int
    page: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a part of one that is longer than a passage may be."""

    start: int
    end: int
    tokens: int
    score: float


def chunk(
    text: str,
    pages: Sequence[Page],
    *,
    count_tokens: CountTokens,
    minimum: int = 120,
    maximum: int = 240,
    paged: bool = True,
) -> list[Chunk]:
    """Passages of at most `maximum` tokens, in order, that hold every character but space.

    In a paged document no passage crosses a page; otherwise `pages` only name places. Tokens are
    counted once a sentence and added up.
    """
    regions = [(page.start, page.end) for page in pages] if paged else [(0, len(text))]
    chunks: list[Chunk] = []
    numbers = _PageNumbers(pages)
    for start, end in regions:
        units = _units(text, start, end, count_tokens, maximum)
        for first, last in _passages(units, minimum, maximum):
            place = units[first].start
            chunks.append(Chunk(start=place, end=units[last].end, page=numbers.at(place)))
    return chunks


class _PageNumbers:
    """Says on which page a place is; places are asked for in order."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self.index = 0

    def at(self, place: int) -> int:
        while self.index + 1 < len(self.pages) and self.pages[self.index + 1].start <= place:
            self.index += 1
        return self.pages[self.index].number if self.pages else 1


def _passages(units: list[_Unit], minimum: int, maximum: int) -> Iterator[tuple[int, int]]:
    """The first and last unit of each passage."""
    left = sum(unit.tokens for unit in units)
    first = 0
    while first < len(units):
        last = _best_end(units, first, left, minimum, maximum)
        yield first, last
        left -= sum(unit.tokens for unit in units[first : last + 1])
        first = last + 1


def _best_end(units: list[_Unit], first: int, left: int, minimum: int, maximum: int) -> int:
    """The last unit of the passage that begins at `first`; `left` tokens remain on the page."""
    if left <= maximum and (left < minimum * 2 - TINY or len(units) == first + 1):
        return len(units) - 1
    best, best_score, fits = first, -1.0, first
    tokens = 0
    for index in range(first, len(units)):
        tokens += units[index].tokens
        if tokens > maximum:
            break
        fits = index
        tail = left - tokens
        if tokens >= minimum and not 0 < tail < TINY and units[index].score > best_score:
            best, best_score = index, units[index].score
    return best if best_score >= 0 else fits


def _units(text: str, start: int, end: int, count_tokens: CountTokens, maximum: int) -> list[_Unit]:
    region = text[start:end]
    spans = split(region)
    units: list[_Unit] = []
    for span, following in zip_longest(spans, spans[1:]):
        gap = region[span.end : following.start] if following else "\n\n"
        bonus = PARAGRAPH_BONUS if gap.count("\n") > 1 else 0.0
        sentence = region[span.start : span.end]
        tokens = count_tokens(sentence)
        score = bonus + _hash(sentence)
        if tokens <= maximum:
            units.append(_Unit(start + span.start, start + span.end, tokens, score))
            continue
        for part in _parts(region, span, count_tokens, maximum):
            piece = region[part.start : part.end]
            units.append(
                _Unit(start + part.start, start + part.end, count_tokens(piece), _hash(piece))
            )
    return units


def _hash(sentence: str) -> float:
    """A number from 0 to 1 that depends on the words alone, the same on every machine."""
    return zlib.crc32(" ".join(sentence.split()).encode()) / HASH_RANGE


def _parts(text: str, span: Span, count_tokens: CountTokens, maximum: int) -> Iterator[Span]:
    """Cuts one long sentence at clauses or words, else anywhere, until every part fits."""
    start = span.start
    while start < span.end:
        end = _longest_fit(text, start, span.end, count_tokens, maximum)
        if end < span.end:
            border = max(text.rfind(mark, start + 1, end) for mark in ("; ", ", ", ": ", "\n"))
            word = text.rfind(" ", start + 1, end)
            if border > start + (end - start) // 2:
                end = border + 1
            elif word > start:
                end = word
        trimmed = text[start:end]
        body = trimmed.strip()
        if body:
            begin = start + len(trimmed) - len(trimmed.lstrip())
            yield Span(begin, begin + len(body))
        start = end


def _longest_fit(text: str, start: int, end: int, count_tokens: CountTokens, maximum: int) -> int:
    """The largest end, found by halving, at which the piece has at most `maximum` tokens."""
    if count_tokens(text[start:end]) <= maximum:
        return end
    low, high = start + 1, end
    while high - low > 1:
        middle = (low + high) // 2
        if count_tokens(text[start:middle]) <= maximum:
            low = middle
        else:
            high = middle
    return low
