"""The histogram's bars say what was counted."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from compliance.console.chart import HEIGHT, chart
from compliance.console.span import Bars

CELLS = Bars(first=datetime(2026, 11, 1, tzinfo=UTC), width=timedelta(days=1), count=3)


def test_the_highest_bar_fills_the_height_and_others_are_in_proportion() -> None:
    drawn = chart(CELLS, [{"done": 100}, {"done": 50}, {}])
    heights = [sum(float(piece.height) for piece in bar.pieces) for bar in drawn.bars]
    assert heights == [HEIGHT, HEIGHT / 2, 0]
    assert drawn.highest == 100


def test_one_failure_among_thousands_is_seen_and_nothing_covers_it() -> None:
    counts = {"done": 5000, "begun": 4000, "refused": 1, "failed": 1}
    bar = chart(CELLS, [counts, {}, {}]).bars[0]
    edges = [(float(piece.y), float(piece.y) + float(piece.height)) for piece in bar.pieces]
    assert all(bottom - top >= 1.9 for top, bottom in edges)
    for (top, _), (_, next_bottom) in pairwise(edges):
        assert abs(top - next_bottom) < 0.2
    assert min(top for top, _ in edges) >= 0


def test_a_bar_knows_its_time_and_its_counts() -> None:
    bar = chart(CELLS, [{}, {"failed": 2, "done": 1}, {}]).bars[1]
    assert bar.begins == datetime(2026, 11, 2, tzinfo=UTC)
    assert bar.ends == datetime(2026, 11, 3, tzinfo=UTC)
    assert (bar.total, bar.counts) == (3, [("done", 1), ("failed", 2)])
