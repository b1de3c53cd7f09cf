"""Shows a page of a PDF as a picture, and says where on it passages stand.

The PDF is drawn in the same sandbox that reads files; the browser never sees the PDF itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.documents.parse import Limits, Rejected, sandbox
from assistant.documents.parse.values import Cause

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
WIDEST_PX = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of one line, in fractions of the page from its top left corner."""

    x: float
    y: float
    w: float
    h: float
    span_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A page as PNG, its size in pixels, and the boxes of the spans that were asked for."""

    png: bytes
    width: int
    height: int
    boxes: list[Box]


def page_image(
    path: Path | str,
    page: int,
    *,
    spans: Sequence[tuple[int, int]] = (),
    width_px: int = 1_000,
    limits: Limits | None = None,
) -> Rendered:
    """The page (counted from 1), `width_px` wide, with the boxes of each span.

    A span counts code points from the start of this page's text in `Parsed`, end exclusive:
    subtract `Page.start` from places in the document. Raises `Rejected` if the page cannot be
    drawn, `ParserUnavailable` if the sandbox does not work.
    """
    request = {
        "do": "draw",
        "page": page,
        "spans": [list(span) for span in spans],
        "width_px": max(1, min(width_px, WIDEST_PX)),
    }
    with Path(path).open("rb") as file:
        header, body = sandbox.run(file, request, limits or Limits())
    try:
        boxes = [
            Box(x=float(x), y=float(y), w=float(w), h=float(h), span_index=int(index))
            for x, y, w, h, index in header["boxes"]
        ]
        width, height = int(header["width"]), int(header["height"])
    except (KeyError, TypeError, ValueError) as error:
        raise _cannot_show(page) from error
    if not body.startswith(PNG_MAGIC):
        raise _cannot_show(page)
    return Rendered(png=body, width=width, height=height, boxes=boxes)


def _cannot_show(page: int) -> Rejected:
    return Rejected(f"Page {page} of the PDF cannot be shown.", cause=Cause.DAMAGED)
