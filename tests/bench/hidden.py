"""Whether the time of a search tells that a word stands in documents one may not see."""

import time
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from assistant.accounts.identity import entered
from assistant.documents import retrieve
from tests.bench.house import House
from tests.bench.table import Row, p50

PAIRS = 1_000
MOST = 0.55


def row(built: House, admin: "psycopg.Connection[Any]") -> Row:
    """Search for a word that is frequent elsewhere and for one that stands nowhere, in turn."""
    token = built.tokens["0.01 %"][0]
    with entered(token):
        scope = retrieve.scope_of(None)
    hidden, nowhere = _frequent_elsewhere(admin, scope.groups), "nowhere-at-all"
    took: dict[str, list[float]] = {hidden: [], nowhere: []}
    for _ in range(PAIRS):
        for word in (hidden, nowhere):
            with entered(token):
                took[word].append(_search(word, scope))
    right = _told_apart(took[hidden], took[nowhere])
    return Row(
        path="a word that stands in hidden documents only, against a word that stands nowhere",
        goal=f"not to be told apart: the slower is the hidden one in {1 - MOST:.0%} to {MOST:.0%}",
        measured=f"{right:.0%} ({p50(took[hidden]):.3f} ms against {p50(took[nowhere]):.3f} ms)",
        met=1 - MOST <= right <= MOST,
    )


def _search(word: str, scope: retrieve.Scope) -> float:
    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(
            "select passage_id from passages_with_terms(%s::text[], %s::int[], %s, %s::float8, 50)",
            [[word], scope.groups, scope.passages, scope.words / scope.passages],
        )
        assert cursor.fetchall() == []
        return 1000 * (time.perf_counter() - began)


def _frequent_elsewhere(admin: "psycopg.Connection[Any]", groups: list[int]) -> str:
    found = admin.execute(
        "select term from documents_posting group by term"
        " having not bool_or(acl_group = any (%s)) order by count(*) desc limit 1",
        [groups],
    ).fetchone()
    assert found is not None
    return str(found[0])


def _told_apart(some: list[float], others: list[float]) -> float:
    """How often one of `some` is more than one of `others` (0..1); 0.5 tells nothing."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, some, "left") + np.searchsorted(ordered, some, "right")
    return float(below.mean() / 2 / len(ordered))
