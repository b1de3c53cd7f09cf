"""Reads the text layer of a PDF, page by page."""

from typing import BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from assistant.documents.parse.archive import password_needed
from assistant.documents.parse.clean import hidden_note
from assistant.documents.parse.formats import pdf_objects, pdf_page
from assistant.documents.parse.values import Cause, Limits, Page, PageState, Parsed, Rejected

NAME = "a PDF"
SUFFIXES = frozenset({".pdf"})
IS_TEXT = False

MARK = b"%PDF-"
MARK_WITHIN = 1_024
"""PDFium accepts a header that begins within so many bytes of the file's start."""
FOREIGN_STARTS = (b"<", b"GIF8", b"\x89PNG", b"\xff\xd8", b"MZ", b"PK", b"#!")
SEPARATOR = "\n\n"


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether a PDF header stands at the start, with at most some noise before it."""
    start = head.find(MARK, 0, MARK_WITHIN)
    return start == 0 or (start > 0 and not head.lstrip().startswith(FOREIGN_STARTS))


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """The pages in order, a blank line between them. A page without text is `empty`."""
    document = open_document(file)
    count = len(document)
    if count > limits.pdf_pages:
        raise Rejected(
            f"The PDF has {count:,} pages; at most {limits.pdf_pages:,} are allowed. "
            "Split it and upload the parts.",
            cause=Cause.TOO_LARGE,
        )
    pieces: list[str] = []
    pages: list[Page] = []
    pictures: list[int] = []
    length = hidden_chars = hidden_objects = 0
    for index in range(count):
        page = read_page(document, index)
        text = page.text if page else ""
        state = PageState.FAILED if page is None else PageState.READ if text else PageState.EMPTY
        if page:
            hidden_chars += page.hidden_chars
            hidden_objects += page.left_out
            if text and page.is_picture:
                pictures.append(index + 1)
        if length + len(text) > limits.text_chars:
            raise Rejected(
                f"The PDF holds more than {limits.text_chars:,} characters of text. "
                "Split it and upload the parts.",
                cause=Cause.TOO_LARGE,
            )
        if pieces:
            pieces.append(SEPARATOR)
            length += len(SEPARATOR)
        pieces.append(text)
        pages.append(Page(number=index + 1, start=length, end=length + len(text), state=state))
        length += len(text)
    _refuse_textless(pages)
    notes = _notes(pages, pictures, hidden_objects) + hidden_note(hidden_chars)
    return Parsed(text="".join(pieces), pages=tuple(pages), kind="pdf", paged=True, notes=notes)


def open_document(file: BinaryIO) -> pypdfium2.PdfDocument:
    """The document, opened without running anything it contains. Raises `Rejected`."""
    file.seek(0)
    try:
        return pypdfium2.PdfDocument(file.read())
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise password_needed() from error
        raise Rejected(
            "The PDF is damaged and cannot be opened. Print or export it to a new PDF and "
            "upload that.",
            cause=Cause.DAMAGED,
        ) from error


def read_page(document: pypdfium2.PdfDocument, index: int) -> pdf_page.PageText | None:
    """One page's text with the way back to its characters, or None if the page is damaged."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return None
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        page.close()
        return None
    try:
        look = pdf_objects.look_at(page)
        return pdf_page.page_text(text_page, look.hidden, picture_share=look.picture_share)
    finally:
        text_page.close()
        page.close()


def _refuse_textless(pages: list[Page]) -> None:
    if any(page.state is PageState.READ for page in pages):
        return
    if all(page.state is PageState.FAILED for page in pages):
        raise Rejected(
            "The PDF is damaged: no page of it can be opened. Print or export it to a new PDF "
            "and upload that.",
            cause=Cause.DAMAGED,
        )
    raise Rejected(
        "The PDF has no text: its pages are pictures or blank. Make it searchable with text "
        "recognition and upload that copy.",
        cause=Cause.NO_TEXT,
    )


def _notes(pages: list[Page], pictures: list[int], hidden_objects: int) -> tuple[str, ...]:
    notes: list[str] = []
    empty = [page.number for page in pages if page.state is PageState.EMPTY]
    failed = [page.number for page in pages if page.state is PageState.FAILED]
    for numbers, what in (
        (empty, "no text layer, so nothing on it can be found or quoted"),
        (pictures, "hardly any text beside a large picture, which was not read"),
        (failed, "damage, and could not be read"),
    ):
        if numbers:
            subject = "Page" if len(numbers) == 1 else "Pages"
            verb = "has" if len(numbers) == 1 else "have"
            what = what if len(numbers) == 1 else what.replace(" on it ", " on them ")
            notes.append(f"{subject} {_ranges(numbers)} {verb} {what}.")
    if hidden_objects:
        notes.append("Text that a reader would not see was left out.")
    return tuple(notes)


def _ranges(numbers: list[int]) -> str:
    """`1-3, 7` for 1, 2, 3 and 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
