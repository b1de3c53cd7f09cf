"""Which part of a time range is in the tally, and which events are read one by one beside it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from django.db import connection

from compliance.console.filter import Filter
from compliance.console.span import DAY, ceil_day, floor_day

Range = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A time range; `tallied` are the whole days of it that are in the tally.

    `by_kind`: the search is for certain actions or outcomes. By person and matter the tally then
    has only whole months of it.
    """

    after: datetime
    before: datetime
    tallied: Range | None
    by_kind: bool

    @property
    def months(self) -> Range | None:
        """The whole months that are in the tally."""
        if self.tallied is None:
            return None
        begins, ends = self.tallied
        first = begins if begins.day == 1 else (begins.replace(day=1) + 32 * DAY).replace(day=1)
        last = floor_day(ends).replace(day=1)
        return (first, last) if first < last else None

    def days(self) -> list[Range]:
        """The days in the tally outside of whole months."""
        if self.tallied is None:
            return []
        begins, ends = self.tallied
        first, last = self.months or (ends, ends)
        return [part for part in ((begins, first), (last, ends)) if part[0] < part[1]]

    def rest(self) -> list[Range]:
        """What is not in the tally at all."""
        if self.tallied is None:
            return [(self.after, self.before)]
        begins, ends = self.tallied
        return [part for part in ((self.after, begins), (ends, self.before)) if part[0] < part[1]]


class Unwanted(StrEnum):
    """By what a search leaves events out that the tally has. One at a time, so that each is found
    by its index."""

    WHO = "who"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Events to be read: of when, and what each counts for over time and kind, and by who.

    `unwanted` are taken off: what the tally has and the search leaves out, by people and matters,
    or by objects.
    """

    begins: datetime
    ends: datetime
    thin: int = 1
    who: int = 1
    unwanted: Unwanted | None = None


def cut_of(meant: Filter, now: datetime) -> Cut:
    """Cut the time range of a search, which ends by `now`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nullif(until, '-infinity'),"
            " (SELECT min(begins) FROM compliance_tally WHERE span = 'day'),"
            " (SELECT min(recorded_at) FROM compliance_event) FROM compliance_tallied"
        )
        until, first_tallied, first = cursor.fetchone() or (None, None, None)
    known = [time for time in (first_tallied, first) if time]
    before = min(meant.before or now, now)
    earliest = floor_day(min([*known, now]))
    after = min(max(meant.after or earliest, earliest), before)
    after, before = after.astimezone(UTC), before.astimezone(UTC)
    tallied = None
    if until is not None:
        # Nothing newer than `until` is in the tally, so the day it lies in may be taken whole.
        begins, ends = ceil_day(after), until if before >= until else floor_day(before)
        tallied = (begins, ends.astimezone(UTC)) if begins < ends else None
    by_kind = bool(meant.actions or meant.not_actions or meant.outcomes is not None)
    return Cut(after=after, before=before, tallied=tallied, by_kind=by_kind)


def parts_of(meant: Filter, cut: Cut) -> list[Part]:
    """What is read one by one for a search."""
    parts = [Part(begins=begins, ends=ends) for begins, ends in cut.rest()]
    if cut.by_kind:
        parts += [Part(begins=begins, ends=ends, thin=0) for begins, ends in cut.days()]
    for unwanted in _unwanted(meant):
        ranges = [(cut.months, -1)] if cut.months else []
        ranges += [(days, 0 if cut.by_kind else -1) for days in cut.days()]
        parts += [
            Part(begins=begins, ends=ends, thin=-1, who=who, unwanted=unwanted)
            for (begins, ends), who in ranges
        ]
    return parts or [Part(begins=cut.before, ends=cut.before)]


def _unwanted(meant: Filter) -> list[Unwanted]:
    by_who = [Unwanted.WHO] if meant.not_actors or meant.not_matters else []
    return [*by_who, *([Unwanted.OBJECTS] if meant.not_objects else [])]
