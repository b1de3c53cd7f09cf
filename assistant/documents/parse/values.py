"""The values that travel between the reader, its sandbox and whoever asked: limits in, text out.

The tree of errors:

    ParseError                 anything that kept a file from being read
    ├── Rejected               the file's fault, final; `reason` is a sentence for the sender
    └── ParserUnavailable      this machine's fault; the same file may be read later
"""

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost. The defaults suit a machine with 2 GB to spare."""

    wall_seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 1024 * MEBIBYTE
    file_bytes: int = 256 * MEBIBYTE
    text_chars: int = 20_000_000
    reply_bytes: int = 96 * MEBIBYTE
    pdf_pages: int = 5_000
    zip_entries: int = 1_000
    zip_bytes: int = 500 * MEBIBYTE
    zip_ratio: int = 100
    part_bytes: int = 64 * MEBIBYTE


class PageState(StrEnum):
    """What became of one page."""

    READ = "read"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: `number` counts from 1; `start` and `end` are code points of the text."""

    number: int
    start: int
    end: int
    state: PageState = PageState.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file as text.

    `text` is NFC with `\\n` line ends and no invisible characters. Where `paged` is False the
    pages are *reading pages*: pieces of about 3,000 characters that end with a paragraph, so that
    every citation can name a place. `notes` are sentences for the person who sent the file.
    """

    text: str
    pages: tuple[Page, ...]
    kind: str
    paged: bool = False
    notes: tuple[str, ...] = ()


class Cause(StrEnum):
    """Why a file was turned away, for events and tests."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    PASSWORD = "password"  # noqa: S105 - the name of a cause, not a secret
    DAMAGED = "damaged"
    UNKNOWN_KIND = "unknown_kind"
    WRONG_NAME = "wrong_name"
    NO_TEXT = "no_text"
    BOMB = "bomb"


class ParseError(Exception):
    """Anything that kept a file from being read."""


class Rejected(ParseError):
    """The file cannot be read, and trying again will not help. `reason` says what to do."""

    def __init__(self, reason: str, *, cause: Cause) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class ParserUnavailable(ParseError):
    """The sandbox did not start or did not answer; the file itself was not judged."""
