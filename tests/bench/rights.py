"""Search under row security in a house of 200,000 passages: what people of every level find."""

from contextlib import ExitStack

import psycopg

from assistant.documents import index
from tests.bench import crowd, graph, hand, hidden, house, identity, many, searches
from tests.bench.house import LEVELS, House
from tests.bench.many import Base
from tests.bench.place import Place
from tests.bench.searches import Seen, Truth, asks, by_level, judged, times
from tests.bench.table import Row, note, p95
from tests.installation import SHARED_DATA

EACH = 12
WORDS_GOALS = {"50 %": 70.0, "1 %": 5.0}


def run(place: Place) -> list[Row]:
    """All rows about rights, in one installation."""
    note(f"rights: making {many.PASSAGES} passages…")
    admin = place.installation.state()["databases"]["superuser"]
    real = many.base(SHARED_DATA)
    made = many.derive(real)
    with ExitStack() as stack:
        built = house.build(real, made, admin, stack)
        note("rights: training…")
        index.train(tell=note)
        with psycopg.connect(admin, autocommit=True) as database:
            database.execute("vacuum (analyze) documents_posting, auth.term_count")
            truth = Truth(built, real, made)
            note("rights: one client…")
            rows = [*_vectors(built, real, truth), _words(built, real), _both(built, real)]
            rows.append(hidden.row(built, database))
            note("rights: beside the same query by hand…")
            rows.append(hand.row(built, real, database))
            note("rights: identity…")
            rows += identity.rows(built, place.installation.state()["databases"]["app"])
            note("rights: many clients…")
            rows.append(crowd.row(built, real, place.installation.state()["pids"]["postgres"]))
            note("rights: a graph beside it…")
            rows.append(graph.row(built, real, truth, database))
    return rows


def _warm(built: House, real: Base, search: searches.Search) -> None:
    for _ in searches.timed(search, asks(built, real, each=1), real):
        pass


def _vectors(built: House, real: Base, truth: Truth) -> list[Row]:
    _warm(built, real, searches.nearest)
    seen = judged(searches.nearest, asks(built, real, each=EACH), real, truth)
    recall = {level: sum(one.recall) / len(one.recall) for level, one in seen.items()}
    slowest = {level: p95(one.milliseconds) for level, one in seen.items()}
    short = sum(one.short for one in seen.values())
    asked = sum(len(one.recall) for one in seen.values())
    return [
        Row(
            path="200,000 passages: recall@10 against exact search",
            goal="≥ 0.99 for people who may see 50, 10, 1, 0.1, 0.01 % and one domain",
            measured=by_level(seen, lambda one: f"{sum(one.recall) / len(one.recall):.4f}"),
            met=min(recall.values()) >= 0.99,
        ),
        Row(
            path="rows found",
            goal="never fewer than min(10, allowed)",
            measured=f"{short} of {asked} searches short",
            met=short == 0,
        ),
        Row(
            path="vector search, one client, identity included",
            goal="p95 ≤ 40 ms; no level above 1.5× the 50 % level",
            measured="p50/p95 ms " + by_level(seen, times),
            met=max(slowest.values()) <= min(40, 1.5 * slowest[LEVELS[0]]),
        ),
    ]


def _timed(built: House, real: Base, search: searches.Search) -> dict[str, Seen]:
    _warm(built, real, search)
    seen = {level: Seen() for level in LEVELS}
    for ask, _, milliseconds in searches.timed(search, asks(built, real, each=EACH), real):
        seen[ask.level].milliseconds.append(milliseconds)
    return seen


def _words(built: House, real: Base) -> Row:
    seen = _timed(built, real, searches.with_terms)
    return Row(
        path="BM25 under rights, one client, identity included",
        goal="p95 ≤ 70 ms at 50 %, ≤ 5 ms at 1 %",
        measured="p50/p95 ms " + by_level(seen, times),
        met=all(p95(seen[level].milliseconds) <= most for level, most in WORDS_GOALS.items()),
    )


def _both(built: House, real: Base) -> Row:
    seen = _timed(built, real, searches.both)
    most = max(p95(one.milliseconds) for one in seen.values())
    return Row(
        path="both fused, with the passages' texts, as a question in the chat does it",
        goal="p95 ≤ 110 ms",
        measured="p50/p95 ms " + by_level(seen, times),
        met=most <= 110,
    )
