"""Reads plain text in whatever encoding it came."""

import codecs
from typing import BinaryIO

from assistant.documents.parse.result import unpaged
from assistant.documents.parse.values import Cause, Limits, Parsed, Rejected

NAME = "a text file"
SUFFIXES = frozenset({".txt", ".text", ".log"})
IS_TEXT = True

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})
MOST_CONTROLS = 0.01
"""A larger share of control bytes means that the content is not text."""


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether the bytes look like text in some encoding."""
    return not zip_names and looks_like_text(head)


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """The text, decoded."""
    text, notes = decode(read_all(file))
    return unpaged(text, "text", limits, notes)


def read_all(file: BinaryIO) -> bytes:
    """Every byte of the file."""
    file.seek(0)
    return file.read()


def looks_like_text(head: bytes) -> bool:
    """Whether the bytes are text: a byte order mark, UTF-16 by its zeros, or few control bytes."""
    if any(head.startswith(bom) for bom, _ in BOMS) or _utf16_without_mark(head):
        return True
    controls = len(head) - len(head.translate(None, CONTROL_BYTES))
    return b"\x00" not in head and controls <= len(head) * MOST_CONTROLS


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text, and notes where the encoding was guessed. Raises `Rejected` for binary content."""
    encoding = next((name for bom, name in BOMS if content.startswith(bom)), None)
    encoding = encoding or _utf16_without_mark(content) or "utf-8"
    try:
        return content.decode(encoding), ()
    except UnicodeDecodeError as error:
        if not looks_like_text(content) or encoding != "utf-8":
            raise Rejected(
                "The file is not readable text. Save it as text in UTF-8 and upload that.",
                cause=Cause.DAMAGED,
            ) from error
    # Bytes that Windows-1252 leaves undefined become the replacement character.
    text = content.decode("cp1252", errors="replace")
    return text, ("The encoding was not stated; the text was read as Windows-1252.",)


def _utf16_without_mark(content: bytes) -> str | None:
    """The byte order of UTF-16 text with no mark, by the zeros that Latin letters leave."""
    sample = content[:2_000]
    pairs = len(sample) // 2
    if pairs < 4:
        return None
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if odd > pairs * 0.6 and even < pairs * 0.05:
        return "utf-16-le"
    if even > pairs * 0.6 and odd < pairs * 0.05:
        return "utf-16-be"
    return None
