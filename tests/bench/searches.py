"""One search of each kind as a person, and how long it took: what the rights bench repeats."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from assistant.accounts.identity import entered
from assistant.documents import retrieve
from assistant.documents.terms import terms_of
from tests.bench.house import LEVELS, House
from tests.bench.many import Base, Derived
from tests.bench.table import p50, p95

K = 10

Search = Callable[[str, Any], list[int]]
"""A question and its vector; the ids of the passages found, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question of one person."""

    level: str
    person: int
    token: str
    question: int


@dataclass(kw_only=True)
class Seen:
    """What came of the searches of one level."""

    milliseconds: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    short: int = 0


def nearest(question: str, vector: Any) -> list[int]:
    """The product's vector search alone, over all of the person's matters."""
    scope = retrieve.scope_of(None)
    return _ids(
        "select passage_id from nearest_passages(%s::halfvec, %s::int[], %s, %s, %s)",
        [written(vector), scope.groups, scope.passages, retrieve.BUDGET, K],
    )


def with_terms(question: str, vector: Any) -> list[int]:
    """The product's BM25 alone."""
    scope = retrieve.scope_of(None)
    if scope.is_empty:
        return []
    terms = sorted(set(terms_of(question)))[: retrieve.MOST_TERMS]
    return _ids(
        "select passage_id from passages_with_terms(%s::text[], %s::int[], %s, %s::float8, %s)",
        [terms, scope.groups, scope.passages, scope.words / scope.passages, retrieve.CANDIDATES],
    )


def both(question: str, vector: Any) -> list[int]:
    """What a question in the chat does: both, fused, with the passages' texts."""
    found = retrieve.passages_for(question, vector, scope=retrieve.scope_of(None), limit=K)
    return [one.passage for one in found]


def written(vector: Any) -> str:
    """A vector as PostgreSQL reads it."""
    return "[" + ",".join(map(str, vector.tolist())) + "]"


def _ids(statement: str, values: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def asks(house: House, real: Base, *, each: int) -> list[Ask]:
    """So many questions for each person of each level, levels mixed, always the same.

    The few people of one domain ask about each domain.
    """
    random = np.random.default_rng(7)
    made = []
    for _ in range(each):
        for level in LEVELS:
            for person, token in enumerate(house.tokens[level]):
                choices = [np.arange(len(real.questions))]
                if level == "one domain":
                    choices = [np.flatnonzero(real.question_domain == one) for one in range(3)]
                for several in choices:
                    question = int(random.choice(several))
                    made.append(Ask(level=level, person=person, token=token, question=question))
    return made


def timed(
    search: Search, several: Sequence[Ask], real: Base
) -> Iterator[tuple[Ask, list[int], float]]:
    """Each search with identity and commit, and its milliseconds."""
    for ask in several:
        question, vector = real.questions[ask.question], real.asked[ask.question]
        began = time.perf_counter()
        with entered(ask.token):
            found = search(question, vector)
        yield ask, found, 1000 * (time.perf_counter() - began)


class Truth:
    """Exact search in single precision, by hand."""

    def __init__(self, house: House, real: Base, made: Derived) -> None:
        self._house = house
        self._real = real
        self._made = made
        self._allowed: dict[tuple[str, int], Any] = {}

    def allowed(self, ask: Ask) -> Any:
        """The rows of the corpus that the person may see."""
        key = (ask.level, ask.person)
        if key not in self._allowed:
            with entered(ask.token), connection.cursor() as cursor:
                cursor.execute("select auth.my_groups()")
                groups = cursor.fetchone()[0]
            self._allowed[key] = np.flatnonzero(np.isin(self._house.groups, groups))
        return self._allowed[key]

    def best(self, ask: Ask) -> set[int]:
        """The ids of the K nearest passages, or of all when there are fewer."""
        rows = self.allowed(ask)
        near = self._made.embedded[rows] @ self._real.asked[ask.question]
        top = np.argsort(-near)[:K]
        return set(self._house.passages[rows[top]].tolist())


def judged(search: Search, several: Sequence[Ask], real: Base, truth: Truth) -> dict[str, Seen]:
    """Times, recall and missing rows of each level."""
    seen = {level: Seen() for level in LEVELS}
    for ask, found, milliseconds in timed(search, several, real):
        right = truth.best(ask)
        of_level = seen[ask.level]
        of_level.milliseconds.append(milliseconds)
        of_level.recall.append(len(right & set(found)) / len(right))
        of_level.short += len(found) < len(right)
    return seen


def by_level(seen: dict[str, Seen], what: Callable[[Seen], str]) -> str:
    """One word for each level, in order."""
    return ", ".join(f"{level}: {what(of_level)}" for level, of_level in seen.items())


def times(of_level: Seen) -> str:
    """p50/p95 in milliseconds."""
    return f"{p50(of_level.milliseconds):.1f}/{p95(of_level.milliseconds):.1f}"
