"""Reads Markdown as it was written, without the comments that a reader would never see."""

import re
from typing import BinaryIO

from assistant.documents.parse.formats import text as plain
from assistant.documents.parse.result import unpaged
from assistant.documents.parse.values import Limits, Parsed

NAME = "a Markdown file"
SUFFIXES = frozenset({".md", ".markdown"})
IS_TEXT = True

COMMENT = re.compile(r"<!--[\s\S]*?(?:-->|\Z)|^[ ]{0,3}\[(?://|comment)\]:.*$", re.MULTILINE)


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether the name says Markdown and the content is text."""
    return name.endswith(tuple(SUFFIXES)) and plain.matches(head, name, zip_names)


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """The text with its marks, which people read without trouble; comments are dropped."""
    source, notes = plain.decode(plain.read_all(file))
    visible, comments = COMMENT.subn("", source)
    if comments:
        notes += ("Comments that a reader would not see were left out.",)
    return unpaged(visible, "markdown", limits, notes)
