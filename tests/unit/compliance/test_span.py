"""Time as people say it, and as bars."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from compliance.console.span import MOST_BARS, NotASpan, bars, beginning, moment

NOW = datetime(2026, 11, 24, 15, 40, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03", datetime(2026, 3, 1, tzinfo=BERLIN)),
        ("2026-03-05", datetime(2026, 3, 5, tzinfo=BERLIN)),
        ("2026-03-05T09:30", datetime(2026, 3, 5, 9, 30, tzinfo=BERLIN)),
        ("2026-03-05T09:30Z", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
    ],
)
def test_a_moment_is_understood_in_the_reader_s_zone(written: str, meant: datetime) -> None:
    assert moment(written, zone=BERLIN, now=NOW) == meant


@pytest.mark.parametrize("written", ["", "soon", "2026-13", "7", "d", "9999y", "-7d"])
def test_other_words_are_no_moment(written: str) -> None:
    with pytest.raises(NotASpan):
        moment(written, zone=BERLIN, now=NOW)


@pytest.mark.parametrize(
    ("word", "begins"),
    [
        ("1h", datetime(2026, 11, 24, 14, 41, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 23, 16, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 18, tzinfo=UTC)),
        ("all", None),
        ("2h", None),
    ],
)
def test_a_range_begins_at_a_whole_unit(word: str, begins: datetime | None) -> None:
    assert beginning(word, NOW) == begins


@pytest.mark.parametrize("days", [0, 0.001, 0.04, 0.3, 1, 2.5, 30, 31, 90, 366, 3000, 40_000])
def test_bars_cover_their_range_and_are_few(days: float) -> None:
    before = NOW
    after = before - timedelta(days=min(days, 30_000))
    cut = bars(after, before)
    assert cut.first <= after
    assert cut.begins(cut.count) >= before
    assert 1 <= cut.count <= MOST_BARS or days > 20_000
