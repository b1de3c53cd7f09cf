"""Cuts a text that has no pages of its own into reading pages, so that a citation can name one."""

import re

from assistant.documents.parse.values import Page

PAGE_CHARS = 3_000
ENDS = (re.compile(r"\n\n+"), re.compile(r"\n"), re.compile(r"\s+"))


def reading_pages(text: str) -> tuple[Page, ...]:
    """Pages of about 3,000 characters. Each ends with a paragraph, else a line, else a word."""
    pages: list[Page] = []
    start = 0
    while len(text) - start > PAGE_CHARS * 3 // 2:
        end, following = _cut(text, start)
        pages.append(Page(number=len(pages) + 1, start=start, end=end))
        start = following
    if start < len(text) or not pages:
        pages.append(Page(number=len(pages) + 1, start=start, end=len(text)))
    return tuple(pages)


def _cut(text: str, start: int) -> tuple[int, int]:
    """Where the page ends and where the next one begins."""
    first, last = start + PAGE_CHARS // 2, start + PAGE_CHARS * 3 // 2
    for end in ENDS:
        places = list(end.finditer(text, first, last))
        if places:
            best = min(places, key=lambda place: abs(place.start() - start - PAGE_CHARS))
            return best.start(), best.end()
    return start + PAGE_CHARS, start + PAGE_CHARS
