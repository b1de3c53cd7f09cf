"""How many events match a search: over time and by what they are about.

The tally (migrations/0020) holds whole days. What a search takes beyond whole days, and what is too
new to be in it, is read from the record. What certain people did, or what was done in certain
matters or to certain objects, is read from the record alone; for a search that leaves some out, it
is taken off. The newest `MOST_READ` events of each such part are read, and the page says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from compliance.console.cut import Cut, Part, Unwanted, cut_of, parts_of
from compliance.console.filter import Filter, Sql, about, joined, kinds, mentions, names_any_of
from compliance.console.span import DAY, HOUR, Bars, bars

MOST_READ = 200_000
SHOWN = 10
FACETS = ("outcome", "type", "actor", "matter")

# grouping() has a bit for each column that is not grouped by: outcome 16 ... bar 1.
_KINDS = {15: "outcome", 23: "type", 27: "actor", 29: "matter", 14: "bar", 31: "read"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The most frequent values of a column with their counts, and how many there are in all."""

    values: list[tuple[Any, int]]
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted. `partly`: more was to be read than is read, so the oldest are missing."""

    total: int
    after: datetime
    before: datetime
    bars: Bars
    by_bar: Sequence[Mapping[str, int]]
    facets: Mapping[str, Facet]
    partly: bool


def counts(meant: Filter, *, now: datetime) -> Counts:
    """Count what matches and was recorded before `now`, for whoever is entered."""
    cut = cut_of(meant, now)
    cells = bars(cut.after, cut.before)
    if meant.names_who or meant.objects or cells.width < HOUR:
        cut = replace(cut, tallied=None)
    counting = statement(meant, cut, cells)
    with connection.cursor() as cursor:
        cursor.execute(counting.text, counting.values)
        return _understood(cursor.fetchall(), cut, cells)


def statement(meant: Filter, cut: Cut, cells: Bars) -> Sql:
    """One statement that counts everything: rows of kind, value, events, number of values."""
    pieces = joined([_read(meant, cut, cells), *_tallied(meant, cut, cells)], " UNION ALL ")
    return Sql(
        "WITH pieces (kind, value, events) AS ("
        f"{pieces.text}), whole AS ("
        " SELECT kind, value, sum(events) AS events FROM pieces GROUP BY kind, value"
        " HAVING sum(events) > 0 OR kind = 31), ranked AS ("
        " SELECT *, row_number() OVER (PARTITION BY kind ORDER BY events DESC) AS place,"
        " count(*) OVER (PARTITION BY kind) AS distinct_values FROM whole)"
        " SELECT kind, value, events, distinct_values FROM ranked"
        f" WHERE place <= {SHOWN} OR kind = 14",
        pieces.values,
    )


def _tallied(meant: Filter, cut: Cut, cells: Bars) -> list[Sql]:
    """Counts from the tally, of a search that names nobody and nothing."""
    if cut.tallied is None:
        return []
    begins, ends = cut.tallied
    matches = kinds(meant)
    time = (begins, ends, *matches.values)
    where = f"begins >= %s AND begins < %s AND {matches.text}"
    thin = f"FROM compliance_tally WHERE span = 'day' AND {where}"
    span = "day" if cells.width >= DAY else "hour"
    bar = f"{_bar('begins', cells)} || ' ' || outcome"
    return [
        Sql(f"SELECT 15, outcome, sum(events) {thin} GROUP BY outcome", time),
        Sql(f"SELECT 23, type, sum(events) {thin} GROUP BY type", time),
        Sql(
            f"SELECT 14, {bar}, sum(events) FROM compliance_tally"
            f" WHERE span = '{span}' AND {where} GROUP BY 2",
            (cells.first, *time),
        ),
        *_tallied_who(meant, cut),
    ]


def _tallied_who(meant: Filter, cut: Cut) -> list[Sql]:
    matches = kinds(meant)
    ranges = [("kind" if cut.by_kind else "month", *cut.months)] if cut.months else []
    if not cut.by_kind:
        ranges += [("day", *days) for days in cut.days()]
    return [
        Sql(
            f"SELECT {kind}, who::text, sum(events) FROM compliance_tally_who"
            f" WHERE side = '{side}' AND span = '{span}' AND begins >= %s AND begins < %s"
            f" AND {matches.text if cut.by_kind else 'true'} GROUP BY who",
            (begins, ends, *(matches.values if cut.by_kind else ())),
        )
        for kind, side in ((27, "actor"), (29, "matter"))
        for span, begins, ends in ranges
    ]


def _read(meant: Filter, cut: Cut, cells: Bars) -> Sql:
    """Counts of what is read one by one, each event with its weights."""
    parts = [_events(part, meant, cells) for part in parts_of(meant, cut)]
    read = joined([Sql(f"({part.text})", part.values) for part in parts], " UNION ALL ")
    kind = "grouping(outcome, type, actor, matter, bar)"
    return Sql(
        f"SELECT {kind}, CASE {kind} WHEN 14 THEN bar || ' ' || outcome"
        " ELSE coalesce(outcome, type, actor::text, matter::text) END,"
        f" CASE WHEN {kind} IN (27, 29) THEN sum(who) WHEN {kind} = 31 THEN count(*)"
        f" ELSE sum(thin) END FROM ({read.text}) AS r"
        " GROUP BY GROUPING SETS ((outcome), (type), (actor), (matter), (bar, outcome), ())",
        read.values,
    )


def _events(part: Part, meant: Filter, cells: Bars) -> Sql:
    during = (part.begins, part.ends)
    pieces = [Sql("recorded_at >= %s AND recorded_at < %s", during), *_matching(part, meant)]
    if meant.objects:
        named = mentions(meant.objects, during=during, most=MOST_READ)
        pieces.append(Sql(f"event_id IN ({named.text})", named.values))
    if meant.not_objects and part.unwanted is not Unwanted.WHO:
        named = mentions(meant.not_objects, during=during, most=MOST_READ)
        how = "IN" if part.unwanted else "NOT IN"
        pieces.append(Sql(f"event_id {how} ({named.text})", named.values))
    where = joined(pieces, " AND ")
    return Sql(
        f"SELECT {_bar('recorded_at', cells)} AS bar, outcome, type, actor, matter,"
        f" {part.thin} AS thin, {part.who} AS who FROM compliance_event"
        f" WHERE {where.text} ORDER BY recorded_at DESC LIMIT {MOST_READ}",
        (cells.first, *where.values),
    )


def _matching(part: Part, meant: Filter) -> list[Sql]:
    if part.unwanted is not Unwanted.WHO:
        return [about(meant)]
    everybody = replace(meant, not_actors=(), not_matters=())
    return [about(everybody), names_any_of(meant.not_actors, meant.not_matters)]


def _bar(column: str, cells: Bars) -> str:
    seconds = f"{cells.width.total_seconds():.0f}"
    return f"floor(extract(epoch FROM {column} - %s) / {seconds})::int"


def _understood(rows: Sequence[tuple[Any, ...]], cut: Cut, cells: Bars) -> Counts:
    values: dict[str, list[tuple[Any, int]]] = {name: [] for name in FACETS}
    distinct = dict.fromkeys(FACETS, 0)
    by_bar: list[dict[str, int]] = [{} for _ in range(cells.count)]
    read = 0
    for number, value, events, of in rows:
        kind = _KINDS[number]
        if kind == "read":
            read = int(events)
        elif kind == "bar":
            bar, outcome = value.split(" ")
            by_bar[min(max(int(bar), 0), cells.count - 1)][outcome] = int(events)
        else:
            values[kind].append((value, int(events)))
            distinct[kind] = of
    for found in values.values():
        found.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return Counts(
        total=sum(events for _, events in values["outcome"]),
        after=cut.after,
        before=cut.before,
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
    return done.astimezone(UTC) if done else None
