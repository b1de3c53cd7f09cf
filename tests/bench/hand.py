"""Row security against the same query filtered by hand, by a role that row security spares."""

import time
from typing import Any

import psycopg
from django.db import connection

from assistant.accounts.identity import entered
from assistant.documents import retrieve
from tests.bench.house import LEVELS, House
from tests.bench.many import Base
from tests.bench.searches import Ask, K, asks, written
from tests.bench.table import Row, p50

EACH = 4
ROUNDS = 5
MOST_SHARE, MOST_MILLISECONDS = 0.15, 0.3

_QUERY = """
prepare one ({types}) as
select v.passage_id, (v.embedding <=> $1) + 0
  from documents_passagevector v
 where v.acl_group = any ($2) and {cells}
 order by 2, 1 limit {most}
"""
# As in the product's function: planned once, without knowing the arrays.
_PLAN = """
set local enable_seqscan = off; set local enable_bitmapscan = off;
set local plan_cache_mode = force_generic_plan
"""


def row(built: House, real: Base, admin: "psycopg.Connection[Any]") -> Row:
    """Both forms in turn on the same rows; of each query the best of some rounds."""
    ours: dict[str, list[float]] = {level: [] for level in LEVELS}
    theirs: dict[str, list[float]] = {level: [] for level in LEVELS}
    for ask in asks(built, real, each=EACH):
        under, by_hand = _one(ask, real, admin)
        ours[ask.level].append(under)
        theirs[ask.level].append(by_hand)
    shares, met = [], True
    for level in LEVELS:
        under, by_hand = p50(ours[level]), p50(theirs[level])
        more = under - by_hand
        shares.append(f"{level}: {more:+.2f} ms ({more / by_hand:+.0%})")
        met = met and more <= max(MOST_MILLISECONDS, MOST_SHARE * by_hand)
    return Row(
        path="row security against the same query filtered by hand",
        goal="≤ +15 % or ≤ 0.3 ms, whichever is more",
        measured=", ".join(shares),
        met=met,
    )


def _one(ask: Ask, real: Base, admin: "psycopg.Connection[Any]") -> tuple[float, float]:
    vector = written(real.asked[ask.question])
    with entered(ask.token), connection.cursor() as cursor:
        query, execute, values = _statement(vector)
        with admin.transaction(), psycopg.ClientCursor(admin) as plain:
            under, by_hand = [], []
            for one in (cursor, plain):
                one.execute(_PLAN)
                one.execute(query)
            for _ in range(ROUNDS):
                found, milliseconds = _timed(cursor, execute, values)
                under.append(milliseconds)
                same, milliseconds = _timed(plain, execute, values)
                by_hand.append(milliseconds)
                assert same == found
            for one in (cursor, plain):
                one.execute("deallocate one")
    return min(under), min(by_hand)


def _timed(cursor: Any, execute: str, values: list[Any]) -> tuple[list[Any], float]:
    began = time.perf_counter()
    cursor.execute(execute, values)
    return cursor.fetchall(), 1000 * (time.perf_counter() - began)


def _statement(vector: str) -> tuple[str, str, list[Any]]:
    """The query that the product's function plans for whoever is entered, how to run it, values."""
    scope = retrieve.scope_of(None)
    cells: list[int] | None = None
    if scope.passages > retrieve.BUDGET:
        with connection.cursor() as cursor:
            cursor.execute(
                "select auth.cells_near(%s::halfvec, %s::int[], %s)",
                [vector, scope.groups, retrieve.BUDGET],
            )
            cells = cursor.fetchone()[0]
    if cells is None:
        query = _QUERY.format(types="halfvec, int[]", cells="true", most=K)
        return query, "execute one (%s::halfvec, %s::int[])", [vector, scope.groups]
    query = _QUERY.format(types="halfvec, int[], int[]", cells="v.cell = any ($3)", most=K)
    return query, "execute one (%s::halfvec, %s::int[], %s::int[])", [vector, scope.groups, cells]
