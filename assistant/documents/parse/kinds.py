"""Says what a file is, from its content; its name only decides between kinds of text."""

from pathlib import PurePath
from typing import BinaryIO

from assistant.documents.parse.archive import open_archive, password_needed
from assistant.documents.parse.formats import FORMATS, Format
from assistant.documents.parse.values import Cause, Limits, Rejected

HEAD_BYTES = 8_192
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
OLE_DIRECTORY_BYTES = 4 * 1024 * 1024
"""How much of an old Office file is searched for the mark of encryption."""

# What the content says, for kinds that are not read. The sentence names the kind to a person.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\xfd7zXZ", "a compressed archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"BM", "a picture"),
    (b"\x00\x00\x01\x00", "a picture"),
    (b"RIFF", "a picture or a recording"),
    (b"ID3", "a recording"),
    (b"OggS", "a recording"),
    (b"\xff\xfb", "a recording"),
    (b"\xff\xf3", "a recording"),
    (b"{\\rtf", "an RTF document"),
    (b"\xffWPC", "a WordPerfect document"),
    (b"SQLite format 3", "a database"),
)
ZIP_KINDS: tuple[tuple[str, str], ...] = (
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("xl/workbook.xml", "an Excel workbook"),
    ("xl/workbook.bin", "an Excel workbook"),
    ("META-INF/container.xml", "an e-book"),
    ("content.xml", "an OpenDocument file"),
)
UNREAD_NAMES = {
    ".eml": "an e-mail message",
    ".mht": "a saved web page",
    ".mhtml": "a saved web page",
    ".rtf": "an RTF document",
    ".svg": "a picture",
    ".xml": "an XML file",
    ".xsd": "an XML file",
}


def format_of(file: BinaryIO, name: str, limits: Limits) -> Format:
    """The module that reads the file. Raises `Rejected` with what the file is instead."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head.strip(b"\x00 \t\r\n"):
        raise Rejected("The file is empty.", cause=Cause.EMPTY)
    suffix = PurePath(name.lower()).suffix
    zip_names: frozenset[str] = frozenset()
    if head.startswith(ZIP):
        zip_names = open_archive(file, limits).names
    elif head.startswith(OLE):
        raise _old_office(file)
    else:
        _refuse_unread(head, suffix)
    for candidate in FORMATS:
        if candidate.matches(head, name.lower(), zip_names):
            _refuse_wrong_name(candidate, suffix)
            return candidate
    raise _unknown(_zip_kind(zip_names) if zip_names else None, suffix)


def _refuse_unread(head: bytes, suffix: str) -> None:
    for magic, what in MAGIC:
        if head.startswith(magic) and not (magic.isalpha() and _is_prose(head)):
            raise _unknown(what, suffix)
    if head[4:8] == b"ftyp":
        raise _unknown("a recording", suffix)
    if head[257:262] == b"ustar":
        raise _unknown("an archive", suffix)
    if suffix in UNREAD_NAMES:
        raise _unknown(UNREAD_NAMES[suffix], suffix)


def _is_prose(head: bytes) -> bool:
    """Whether a file that begins with letters like BM or MZ is text all the same."""
    return not any(byte < 9 for byte in head[:512])


def _refuse_wrong_name(found: Format, suffix: str) -> None:
    expected = [each for each in FORMATS if suffix in each.SUFFIXES]
    if not expected or found in expected or all(each.IS_TEXT for each in (found, *expected)):
        return
    raise Rejected(
        f"The name ends in “{suffix}”, but the content is {found.NAME}. "
        "Give the file its right name and upload it again.",
        cause=Cause.WRONG_NAME,
    )


def _old_office(file: BinaryIO) -> Rejected:
    file.seek(0)
    if ENCRYPTED_PACKAGE in file.read(OLE_DIRECTORY_BYTES):
        return password_needed()
    return _unknown("an old Office document or an Outlook message", "")


def _zip_kind(names: frozenset[str]) -> str:
    return next((what for member, what in ZIP_KINDS if member in names), "an archive")


def _unknown(what: str | None, suffix: str) -> Rejected:
    expected = next((each for each in FORMATS if suffix in each.SUFFIXES), None)
    if what and expected:
        return Rejected(
            f"The name ends in “{suffix}”, but the content is {what}. "
            f"Upload {expected.NAME}, or give the file its right name.",
            cause=Cause.WRONG_NAME,
        )
    subject = f"This is {what}, which cannot" if what else "This kind of file cannot"
    return Rejected(
        f"{subject} be read here. Upload a PDF, a Word document (.docx), a web page, Markdown, "
        "CSV or plain text.",
        cause=Cause.UNKNOWN_KIND,
    )
