"""The histogram as shapes: one bar for each stretch of time, stacked by outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.console.span import DAY, Bars
from compliance.events import Outcome

HEIGHT = 100
STEP = 10
_LEAST = 2.0
"""A bar of a single event among thousands can still be seen."""
STACK = (Outcome.DONE, Outcome.BEGUN, Outcome.REFUSED, Outcome.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The part of a bar that is of one outcome."""

    outcome: str
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: from when to when, how many events of which outcome, and its shape."""

    begins: datetime
    ends: datetime
    total: int
    counts: list[tuple[str, int]]
    x: int
    pieces: list[Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All bars, and how many events the highest stands for."""

    bars: list[Bar]
    highest: int
    width: int
    seconds: int
    in_days: bool


def chart(cells: Bars, by_bar: Sequence[Mapping[str, int]]) -> Chart:
    """Draw counts by outcome, in units of which the chart is `HEIGHT` high."""
    highest = max((sum(counts.values()) for counts in by_bar), default=0)
    drawn = [
        Bar(
            begins=cells.begins(number),
            ends=cells.begins(number + 1),
            total=sum(counts.values()),
            counts=[(outcome, counts[outcome]) for outcome in STACK if counts.get(outcome)],
            x=number * STEP,
            pieces=_pieces(counts, highest),
        )
        for number, counts in enumerate(by_bar)
    ]
    return Chart(
        bars=drawn,
        highest=highest,
        width=cells.count * STEP,
        seconds=int(cells.width.total_seconds()),
        in_days=cells.width >= DAY,
    )


def _pieces(counts: Mapping[str, int], highest: int) -> list[Piece]:
    present = [outcome for outcome in STACK if counts.get(outcome)]
    heights = {one: max(counts[one] / highest * HEIGHT, _LEAST) for one in present}
    # What the small pieces are too high by is taken from the largest, so that the bar fits.
    excess = max(sum(heights.values()) - HEIGHT, 0.0)
    largest = max(present, key=lambda one: heights[one], default=None)
    pieces, floor = [], float(HEIGHT)
    for outcome in present:
        height = heights[outcome] - (excess if outcome == largest else 0.0)
        floor -= height
        pieces.append(Piece(outcome=outcome, y=f"{max(floor, 0):.1f}", height=f"{height:.1f}"))
    return pieces
