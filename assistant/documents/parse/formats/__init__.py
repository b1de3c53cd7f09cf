"""The kinds of file that can be read. A new kind is one module beside this file and one entry here.

The order matters: the first module whose `matches` says yes reads the file, so text comes last.
"""

from typing import BinaryIO, Protocol

from assistant.documents.parse.formats import csv, docx, html, markdown, pdf, text
from assistant.documents.parse.values import Limits, Parsed


class Format(Protocol):
    """What a format module offers."""

    NAME: str
    """The kind in words for a person, with its article: `a PDF`."""
    SUFFIXES: frozenset[str]
    """Endings of names that promise this kind."""
    IS_TEXT: bool
    """Whether the kind is plain text underneath, so that the name may choose among such kinds."""

    def matches(self, head: bytes, name: str, zip_names: frozenset[str], /) -> bool:
        """Whether the file is of this kind, from its first bytes, its name, its zip members."""

    def read(self, file: BinaryIO, limits: Limits, /) -> Parsed:
        """The file as text. Raises `Rejected`. Runs inside the sandbox."""


FORMATS: tuple[Format, ...] = (pdf, docx, html, markdown, csv, text)
