"""Draws one page of a PDF and finds where passages stand on it. Runs inside the sandbox."""

import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from assistant.documents.parse import wire
from assistant.documents.parse.formats import pdf, pdf_page
from assistant.documents.parse.values import Cause, Rejected

MOST_PIXELS = 12_000_000
"""Pages with extreme proportions are drawn smaller than asked."""
PNG_LEVEL = 3
SAME_LINE = 0.5
"""Boxes belong to one line if they overlap by this share of the lower one's height."""
PADDING_ABOVE, PADDING_BELOW = 0.15, 0.05
"""Air around a line, in shares of its height: PDFium's boxes touch the letters."""

Rect = tuple[float, float, float, float]


def draw(file: BinaryIO, page: int, *, spans: Sequence[tuple[int, int]], width_px: int) -> bytes:
    """The page (from 1) as PNG, and boxes as fractions of it. Spans count from the page's start.

    Raises `Rejected` if the file has no such page.
    """
    document = pdf.open_document(file)
    if not 1 <= page <= len(document):
        raise _no_such_page(page)
    text = pdf.read_page(document, page - 1) if spans else None
    try:
        shown = document[page - 1]
    except pypdfium2.PdfiumError as error:
        raise _no_such_page(page) from error
    width, height = shown.get_size()
    scale = min(width_px / width, (MOST_PIXELS / (width * height)) ** 0.5)
    bitmap = shown.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
    boxes: list[tuple[float, float, float, float, int]] = []
    if text:
        place = bitmap.get_posconv(shown)
        text_page = shown.get_textpage()
        size = (bitmap.width, bitmap.height)
        for index, (start, end) in enumerate(spans):
            lines = _lines(_char_boxes(text_page, text, start, end))
            boxes += [(*_fractions(place, line, size), index) for line in lines]
    png = io.BytesIO()
    bitmap.to_pil().save(png, "PNG", compress_level=PNG_LEVEL)
    header = {"width": bitmap.width, "height": bitmap.height, "boxes": boxes}
    return wire.pack(header, png.getvalue())


def _char_boxes(
    text_page: pypdfium2.PdfTextPage, text: pdf_page.PageText, start: int, end: int
) -> Iterator[Rect]:
    """The boxes of the span's visible characters in page coordinates: left, bottom, right, top."""
    rect = pdfium.FS_RECTF()
    for position in range(max(start, 0), min(end, len(text.text))):
        if text.text[position].isspace():
            continue
        if pdfium.FPDFText_GetLooseCharBox(text_page.raw, text.char_index(position), rect):
            yield rect.left, rect.bottom, rect.right, rect.top


def _lines(boxes: Iterator[Rect]) -> list[Rect]:
    """Merges neighbouring boxes that stand on one line."""
    lines: list[Rect] = []
    for box in boxes:
        if lines and _on_same_line(lines[-1], box):
            last = lines[-1]
            lines[-1] = (
                min(last[0], box[0]),
                min(last[1], box[1]),
                max(last[2], box[2]),
                max(last[3], box[3]),
            )
        else:
            lines.append(box)
    return lines


def _on_same_line(line: Rect, box: Rect) -> bool:
    overlap = min(line[3], box[3]) - max(line[1], box[1])
    lower = min(line[3] - line[1], box[3] - box[1])
    backwards = box[2] < line[0]
    return overlap > lower * SAME_LINE and not backwards


def _fractions(place: pypdfium2.PdfPosConv, line: Rect, size: tuple[int, int]) -> Rect:
    """The line as x, y, width and height in fractions of the drawn page, from its top left."""
    left, bottom, right, top = line
    bottom, top = bottom - (top - bottom) * PADDING_BELOW, top + (top - bottom) * PADDING_ABOVE
    corners = [place.to_bitmap(left, top), place.to_bitmap(right, bottom)]
    x0, x1 = (edge(x for x, _ in corners) / size[0] for edge in (min, max))
    y0, y1 = (edge(y for _, y in corners) / size[1] for edge in (min, max))
    x0, y0 = max(x0, 0.0), max(y0, 0.0)
    return x0, y0, min(x1, 1.0) - x0, min(y1, 1.0) - y0


def _no_such_page(page: int) -> Rejected:
    return Rejected(f"The PDF has no page {page} that can be shown.", cause=Cause.DAMAGED)
