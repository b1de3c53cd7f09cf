"""Times as people say them, and time cut into the bars of a histogram."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_AGO = re.compile(r"(\d{1,4})([mhdwy])")
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
_MONTH = re.compile(r"(\d{4})-(\d{2})")

RANGES = {
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "365d": "Last year",
    "all": "All time",
}
"""Time ranges to choose from, by their word in an address."""
USUAL_RANGE = "30d"

_WIDTHS = (
    *(MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY),
)
MOST_BARS = 72
# A Monday, so that bars of weeks are weeks.
_ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)


class NotASpan(ValueError):
    """These words are no time."""


def moment(value: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """A moment as it was written: a date, a month, a time, or how long ago (`24h`, `7d`).

    What has no offset is in `zone`. Raises NotASpan.
    """
    if ago := _AGO.fullmatch(value):
        try:
            return now - int(ago[1]) * _UNITS[ago[2]]
        except OverflowError as error:
            raise NotASpan(value) from error
    if _MONTH.fullmatch(value):
        value += "-01"
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise NotASpan(value) from error
    return time if time.tzinfo else time.replace(tzinfo=zone)


def beginning(word: str, now: datetime) -> datetime | None:
    """When one of RANGES begins: at a whole minute, hour or day (UTC). None: at the beginning.

    Whole, because what is whole is counted already.
    """
    found = _AGO.fullmatch(word)
    if word not in RANGES or not found:
        return None
    unit = _UNITS[found[2]]
    grain = MINUTE if word == "1h" else unit
    return _floor(now, grain) - int(found[1]) * unit + grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Time from `first` on in bars of one width, the last of which ends at or after the end."""

    first: datetime
    width: timedelta
    count: int

    def begins(self, number: int) -> datetime:
        """When a bar begins."""
        return self.first + number * self.width


def bars(after: datetime, before: datetime) -> Bars:
    """Cut a time range into as many bars as are easy to look at. Whole days and hours in UTC."""
    length = max(before - after, MINUTE)
    width = next((width for width in _WIDTHS if length <= width * (MOST_BARS - 1)), _WIDTHS[-1])
    first = _floor(after, width)
    return Bars(first=first, width=width, count=max(-(-(before - first) // width), 1))


def floor_day(time: datetime) -> datetime:
    """The beginning of a day in UTC."""
    return _floor(time, DAY)


def ceil_day(time: datetime) -> datetime:
    """The beginning of a day in UTC, at or after `time`."""
    floor = _floor(time, DAY)
    return floor if floor == time else floor + DAY


def _floor(time: datetime, grain: timedelta) -> datetime:
    return _ORIGIN + (time - _ORIGIN) // grain * grain
