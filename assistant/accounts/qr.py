"""QR codes as the outline of their dark squares, for a page that may hold no style of its own."""

from dataclasses import dataclass

import segno

QUIET = 4
"""The white border that readers need, in squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of `size` by `size` squares, and the SVG path of the dark ones."""

    size: int
    path: str


def picture(text: str) -> Picture:
    """The QR code of a text."""
    rows = list(segno.make(text, error="m", micro=False).matrix)
    dark = [
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, square in enumerate(row)
        if square
    ]
    return Picture(size=len(rows) + 2 * QUIET, path="".join(dark))
