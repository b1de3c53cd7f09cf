"""Looks at what lies on a PDF page: large pictures, and text that nobody could see.

Text is hidden when it is too small, off the page, or white on white. Text that stands invisibly
over a scanned picture (render mode 3) is what makes scans searchable, and is kept. Objects inside
form XObjects are not looked into.
"""

import ctypes
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

SMALLEST_POINTS = 2.0
WHITE = 245
"""Colours of at least this value in red, green and blue count as white."""
LOOK_PIXELS_PER_POINT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a page's objects tells."""

    hidden: frozenset[int]
    """Addresses of the text objects that a reader would not see."""
    picture_share: float
    """The share of the page that its largest picture covers, from 0 to 1."""


def look_at(page: pypdfium2.PdfPage) -> Look:
    """Looks at the objects on a page once."""
    hidden: set[int] = set()
    white: list[tuple[int, tuple[float, float, float, float]]] = []
    picture = 0.0
    left, bottom, right, top = page.get_bbox()
    for index in range(pdfium.FPDFPage_CountObjects(page.raw)):
        found = pdfium.FPDFPage_GetObject(page.raw, index)
        kind = pdfium.FPDFPageObj_GetType(found)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            picture = max(picture, _area(_bounds(found)))
        if kind != pdfium.FPDF_PAGEOBJ_TEXT:
            continue
        address = ctypes.addressof(found.contents)
        box = _bounds(found)
        if box is None:
            continue
        outside = box[2] < left or box[0] > right or box[3] < bottom or box[1] > top
        if outside or _height(found) < SMALLEST_POINTS:
            hidden.add(address)
        elif _is_white(found):
            white.append((address, box))
    if white:
        hidden.update(_unseen(page, white))
    whole = _area((left, bottom, right, top))
    share = min(picture / whole, 1.0) if whole else 0.0
    return Look(hidden=frozenset(hidden), picture_share=share)


def _area(box: tuple[float, float, float, float] | None) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0) if box else 0.0


def _bounds(found: pdfium.FPDF_PAGEOBJECT) -> tuple[float, float, float, float] | None:
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(found, *edges):
        return None
    left, bottom, right, top = (edge.value for edge in edges)
    return left, bottom, right, top


def _height(found: pdfium.FPDF_PAGEOBJECT) -> float:
    """The size of the letters in points, as the page shows them."""
    size, matrix = ctypes.c_float(), pdfium.FS_MATRIX()
    if not pdfium.FPDFTextObj_GetFontSize(found, size):
        return SMALLEST_POINTS
    if not pdfium.FPDFPageObj_GetMatrix(found, matrix):
        return abs(size.value)
    return float(abs(size.value) * (matrix.c**2 + matrix.d**2) ** 0.5)


def _is_white(found: pdfium.FPDF_PAGEOBJECT) -> bool:
    if pdfium.FPDFTextObj_GetTextRenderMode(found) not in (
        pdfium.FPDF_TEXTRENDERMODE_FILL,
        pdfium.FPDF_TEXTRENDERMODE_FILL_CLIP,
    ):
        return False
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(found, red, green, blue, alpha):
        return False
    return alpha.value < 10 or min(red.value, green.value, blue.value) >= WHITE


def _unseen(
    page: pypdfium2.PdfPage, white: list[tuple[int, tuple[float, float, float, float]]]
) -> set[int]:
    """Of the white objects, those whose place on the drawn page is white all over."""
    bitmap = page.render(scale=LOOK_PIXELS_PER_POINT, grayscale=True)
    image, place = bitmap.to_pil(), bitmap.get_posconv(page)
    unseen: set[int] = set()
    for address, (left, bottom, right, top) in white:
        corners = place.to_bitmap(left, top), place.to_bitmap(right, bottom)
        across, down = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        area = image.crop((across[0], down[0], across[1] + 1, down[1] + 1))
        if area.getextrema()[0] >= WHITE:
            unseen.add(address)
    bitmap.close()
    return unseen
