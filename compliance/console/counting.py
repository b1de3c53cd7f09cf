"""How many events match a search: over time and by what they are about, from the tally.

The tally (migrations/0020) holds whole days. What a search takes beyond whole days, and what is too
new to be in it, is read from the record, the newest `MOST_READ` events of it at most. A search for
an object is read from the record alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from compliance.console.filter import Filter, Sql, about, joined, mentions, names_any_of, within
from compliance.console.span import DAY, HOUR, MINUTE, Bars, bars, ceil_day, floor_day

MOST_READ = 100_000
SHOWN = 10
FACETS = ("outcome", "type", "actor", "matter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The most frequent values of a column with their counts, and how many there are in all."""

    values: list[tuple[Any, int]]
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted. `partly`: more was to be read than is read, so the oldest are missing."""

    total: int
    bars: Bars
    by_bar: Sequence[Mapping[str, int]]
    facets: Mapping[str, Facet]
    partly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A time range in three: `tallied` whole days from the tally, and what is before and after."""

    after: datetime
    before: datetime
    tallied: tuple[datetime, datetime] | None

    @property
    def whole(self) -> tuple[datetime, datetime]:
        """From its beginning to its end."""
        return self.after, self.before

    def rest(self) -> list[tuple[datetime, datetime]]:
        """What is read from the record."""
        if self.tallied is None:
            return [(self.after, self.before)]
        begins, ends = self.tallied
        parts = [(self.after, begins), (ends, self.before)]
        return [(start, end) for start, end in parts if start < end]


def counts(meant: Filter, *, now: datetime, leave_out: UUID) -> Counts:
    """Count what matches but `leave_out`, an event of now, for whoever is entered."""
    cut = _cut(meant, now)
    cells = bars(cut.after, cut.before)
    is_read_alone = bool(meant.objects) or (
        cells.width < DAY and (meant.names_who or cells.width < HOUR)
    )
    if is_read_alone:
        cut = replace(cut, tallied=None)
    counting = statement(meant, cut, cells, leave_out)
    with connection.cursor() as cursor:
        cursor.execute(counting.text, counting.values)
        return _understood(cursor.fetchall(), cells)


def _cut(meant: Filter, now: datetime) -> Cut:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nullif(until, '-infinity'),"
            " (SELECT min(begins) FROM compliance_tally WHERE span = 'day'),"
            " (SELECT min(recorded_at) FROM compliance_event) FROM compliance_tallied"
        )
        until, first_tallied, first = cursor.fetchone() or (None, None, None)
    known = [time for time in (first_tallied, first) if time]
    before = min(meant.before or now + MINUTE, now + MINUTE)
    earliest = floor_day(min(known)) if known else floor_day(now)
    after = min(max(meant.after or earliest, earliest), before - MINUTE)
    after, before = after.astimezone(UTC), before.astimezone(UTC)
    if until is None:
        return Cut(after=after, before=before, tallied=None)
    # Nothing newer than `until` is in the tally, so the day it lies in may be taken as it is.
    begins, ends = ceil_day(after), until if before >= until else floor_day(before)
    return Cut(after=after, before=before, tallied=(begins, ends) if begins < ends else None)


def statement(meant: Filter, cut: Cut, cells: Bars, leave_out: UUID) -> Sql:
    """One statement: rows of counts by column, rows of counts by bar, and how much was read."""
    who, when = _tallied_facets(meant, cut), _tallied_bars(meant, cut, cells)
    read = _read(meant, cut, cells, leave_out)
    named = mentions((*meant.objects, *meant.not_objects), during=cut.whole, most=MOST_READ)
    facet_rows = joined(
        [*who, Sql("SELECT outcome, type, actor, matter, events FROM read")], " UNION ALL "
    )
    bar_rows = joined([*when, Sql("SELECT bar, outcome, events FROM read")], " UNION ALL ")
    return Sql(
        f"WITH read AS MATERIALIZED ({read.text}), ranked AS ("
        " SELECT grouping(outcome, type, actor, matter) AS kind,"
        " coalesce(outcome, type, actor::text, matter::text) AS value, sum(events) AS events,"
        " row_number() OVER (PARTITION BY grouping(outcome, type, actor, matter)"
        "   ORDER BY sum(events) DESC) AS place,"
        " count(*) OVER (PARTITION BY grouping(outcome, type, actor, matter)) AS distinct_values"
        f" FROM ({facet_rows.text}) AS f"
        " GROUP BY GROUPING SETS ((outcome), (type), (actor), (matter)) HAVING sum(events) > 0)"
        f" SELECT kind, value, events, distinct_values FROM ranked WHERE place <= {SHOWN}"
        " UNION ALL SELECT -1, bar::text || ' ' || outcome, sum(events), 0"
        f" FROM ({bar_rows.text}) AS b GROUP BY bar, outcome HAVING sum(events) > 0"
        " UNION ALL SELECT -2, NULL, count(*), 0 FROM read"
        f" UNION ALL SELECT -2, NULL, count(*), 0 FROM ({named.text}) AS n",
        (*read.values, *facet_rows.values, *bar_rows.values, *named.values),
    )


def _tallied_facets(meant: Filter, cut: Cut) -> list[Sql]:
    if cut.tallied is None:
        return []
    begins, ends = cut.tallied
    columns, matches = "outcome, type, actor, matter, events", about(meant)
    first, last = _months(begins, ends)
    if meant.names_who or first >= last:
        # Few rows, found by person or matter.
        return [_tally(columns, "who_day", begins, ends, matches)]
    return [
        _tally(columns, "who_day", begins, first, matches),
        _tally(columns, "who_month", first, last, matches),
        _tally(columns, "who_day", last, ends, matches),
    ]


def _months(begins: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """The whole months in a range of days."""
    first = begins if begins.day == 1 else (begins.replace(day=1) + 32 * DAY).replace(day=1)
    return first, ends.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _tallied_bars(meant: Filter, cut: Cut, cells: Bars) -> list[Sql]:
    if cut.tallied is None:
        return []
    begins, ends = cut.tallied
    bar = f"floor(extract(epoch FROM begins - %s) / {cells.width.total_seconds():.0f})::int"
    placed = (cells.first,)
    columns = f"{bar} AS bar, outcome, events"
    if meant.names_who:
        return [_tally(columns, "who_day", begins, ends, about(meant), placed)]
    span = "day" if cells.width >= DAY else "hour"
    everybody = about(replace(meant, not_actors=(), not_matters=()))
    found = [_tally(columns, span, begins, ends, everybody, placed)]
    if meant.not_actors or meant.not_matters:
        # Everything less what is kept out: that is found by person and matter.
        unwanted = joined([everybody, names_any_of(meant.not_actors, meant.not_matters)], " AND ")
        less = f"{bar} AS bar, outcome, -events"
        found.append(_tally(less, "who_day", begins, ends, unwanted, placed))
    return found


def _tally(
    columns: str,
    span: str,
    begins: datetime,
    ends: datetime,
    matches: Sql,
    values: tuple[Any, ...] = (),
) -> Sql:
    return Sql(
        f"SELECT {columns} FROM compliance_tally"
        f" WHERE span = '{span}' AND begins >= %s AND begins < %s AND {matches.text}",
        (*values, begins, ends, *matches.values),
    )


def _read(meant: Filter, cut: Cut, cells: Bars, leave_out: UUID) -> Sql:
    """Events that are read one by one: +1 what matches, -1 what the tally has and is unwanted."""
    matches = joined([about(meant), Sql("event_id <> %s", (leave_out,))], " AND ")
    if meant.objects:
        named = mentions(meant.objects, during=cut.whole, most=MOST_READ)
        matches = joined([matches, Sql(f"event_id IN ({named.text})", named.values)], " AND ")
    parts = [
        _events(part, joined([matches, *_not_naming(meant, part)], " AND "), cells, "1")
        for part in cut.rest()
    ]
    if cut.tallied is not None and meant.not_objects:
        named = mentions(meant.not_objects, during=cut.tallied, most=MOST_READ)
        unwanted = Sql(f"event_id IN ({named.text})", named.values)
        parts.append(_events(cut.tallied, joined([matches, unwanted], " AND "), cells, "-1"))
    return joined([Sql(f"({part.text})", part.values) for part in parts], " UNION ALL ")


def _not_naming(meant: Filter, part: tuple[datetime, datetime]) -> list[Sql]:
    if not meant.not_objects:
        return []
    named = mentions(meant.not_objects, during=part, most=MOST_READ)
    return [Sql(f"event_id NOT IN ({named.text})", named.values)]


def _events(part: tuple[datetime, datetime], matches: Sql, cells: Bars, sign: str) -> Sql:
    seconds = f"{cells.width.total_seconds():.0f}"
    time = within(*part)
    return Sql(
        f"SELECT floor(extract(epoch FROM recorded_at - %s) / {seconds})::int AS bar,"
        f" outcome, type, actor, matter, {sign} AS events FROM compliance_event"
        f" WHERE {time.text} AND {matches.text} ORDER BY recorded_at DESC LIMIT {MOST_READ}",
        (cells.first, *time.values, *matches.values),
    )


def _understood(rows: Sequence[tuple[Any, ...]], cells: Bars) -> Counts:
    # grouping() has a bit for each column, set where the column is not grouped by.
    kinds = {0b1111 ^ (1 << (3 - place)): name for place, name in enumerate(FACETS)}
    values: dict[str, list[tuple[Any, int]]] = {name: [] for name in FACETS}
    distinct = dict.fromkeys(FACETS, 0)
    by_bar: list[dict[str, int]] = [{} for _ in range(cells.count)]
    read = 0
    for kind, value, events, of in rows:
        if kind == -2:
            read = max(read, int(events))
        elif kind == -1:
            bar, outcome = value.split(" ")
            by_bar[min(max(int(bar), 0), cells.count - 1)][outcome] = int(events)
        else:
            values[kinds[kind]].append((value, int(events)))
            distinct[kinds[kind]] = of
    for found in values.values():
        found.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return Counts(
        total=sum(events for _, events in values["outcome"]),
        bars=cells,
        by_bar=by_bar,
        facets={name: Facet(values=values[name], distinct=distinct[name]) for name in FACETS},
        partly=read >= MOST_READ,
    )


def count_up(*, most: timedelta = timedelta(days=366)) -> datetime | None:
    """Bring the tally up to what can be counted by now; returns until when. May be repeated."""
    done, steps = None, int(most / timedelta(days=7)) + 2
    for _ in range(steps):
        with connection.cursor() as cursor:
            cursor.execute("SELECT nullif(compliance_count(), '-infinity')")
            (reached,) = cursor.fetchone()
        if reached is None or reached == done:
            break
        done = reached
    return done
