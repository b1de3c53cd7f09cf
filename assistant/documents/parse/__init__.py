"""Reads uploaded files, in a sandbox: `read_file` is the only door."""

from assistant.documents.parse.read import read_file
from assistant.documents.parse.sandbox import close_sandboxes, confinement
from assistant.documents.parse.values import (
    Cause,
    Limits,
    Page,
    PageState,
    Parsed,
    ParseError,
    ParserUnavailable,
    Rejected,
)

__all__ = [
    "Cause",
    "Limits",
    "Page",
    "PageState",
    "ParseError",
    "Parsed",
    "ParserUnavailable",
    "Rejected",
    "close_sandboxes",
    "confinement",
    "read_file",
]
