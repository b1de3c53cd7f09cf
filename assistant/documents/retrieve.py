"""Finds the passages a question is about, among those the person who is entered may see.

Vectors and BM25 are searched in one statement and fused by reciprocal rank (Cormack, Clarke and
Buettcher 2009, with k = 10 as measured in docs/architecture.md). The database decides what is
visible; the groups given here only help its index. The two searches are functions of the database
(migration 0003), because their plans must not depend on what the planner guesses of arrays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from assistant.accounts.identity import entered_asking
from assistant.documents.terms import terms_of
from assistant.postgresql.prepared import Row, first_row

CANDIDATES = 50
"""How many passages each of the two searches offers."""

BUDGET = 20_000
"""How many of the caller's own vectors a search looks at; with fewer it looks at all of them."""

RANK_CONSTANT = 10
MOST_TERMS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A passage, where it stands, and why it was found.

    `score` is the fused rank score, `similarity` the cosine with the question (-1..1), `lexical`
    the BM25 score (0 when no word was shared).
    """

    passage: int
    document: UUID
    version: UUID
    title: str
    page: int
    start: int
    end: int
    text: str
    score: float
    similarity: float
    lexical: float


def as_content(found: Sequence[Found]) -> dict[str, str]:
    """Passages as they are shown, for the record: all titles, and each text by its rank."""
    titles = "\n".join(f"{rank}. {f.title}, page {f.page}" for rank, f in enumerate(found, start=1))
    texts = {f"passage_{rank}": f.text for rank, f in enumerate(found, start=1)}
    return {"titles": titles, **texts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a search may look at: groups for the index, and BM25's statistics inside them."""

    groups: list[int]
    passages: int
    words: int

    @property
    def is_empty(self) -> bool:
        return self.passages == 0


def scope_of(matter_id: UUID | None) -> Scope:
    """The caller's own part of one matter, or of all their matters."""
    return _scope(first_row(_SCOPE, [matter_id, matter_id]))


@contextmanager
def entered_to_search(token: str, matter_id: UUID) -> Iterator[Scope]:
    """Enter an identity and read its scope in one round trip; raises NotSignedIn."""
    with entered_asking(token, _SCOPE, [matter_id, matter_id]) as row:
        yield _scope(row)


def _scope(row: Row) -> Scope:
    assert row is not None
    groups, passages, words = row
    return Scope(groups=groups, passages=passages, words=words)


def passages_for(
    question: str, vector: NDArray[np.float32], *, scope: Scope, limit: int
) -> list[Found]:
    """The best passages of the scope, best first; at most `limit`."""
    if scope.is_empty:
        return []
    terms = sorted(set(terms_of(question)))[:MOST_TERMS]
    with connection.cursor() as cursor:
        cursor.execute(
            _SEARCH,
            {
                "vector": "[" + ",".join(map(str, vector.tolist())) + "]",
                "groups": scope.groups,
                "terms": terms,
                "passages": scope.passages,
                "mean_words": max(1.0, scope.words / scope.passages),
                "candidates": CANDIDATES,
                "budget": BUDGET,
                "constant": RANK_CONSTANT,
                "limit": limit,
            },
        )
        return [
            Found(
                passage=row[0],
                document=row[1],
                version=row[2],
                title=row[3],
                page=row[4],
                start=row[5],
                end=row[6],
                text=row[7],
                score=float(row[8]),
                similarity=float(row[9]),
                lexical=float(row[10]),
            )
            for row in cursor.fetchall()
        ]


_SCOPE = """
with mine as materialized (
  select case when %s::uuid is null then auth.my_groups()
              else auth.my_groups_in(%s::uuid) end as groups)
select groups, s.passages, s.words from mine, auth.scope_statistics(mine.groups) s
"""

_SEARCH = """
with dense as materialized (
  select passage_id, distance, row_number() over (order by distance, passage_id) as place
    from nearest_passages(%(vector)s::halfvec, %(groups)s::int[], %(passages)s, %(budget)s,
                          %(candidates)s)
),
lexical as materialized (
  select passage_id, score, row_number() over (order by score desc, passage_id) as place
    from passages_with_terms(%(terms)s::text[], %(groups)s::int[], %(passages)s,
                             %(mean_words)s::float8, %(candidates)s)
),
fused as materialized (
  select passage_id, coalesce(1.0 / (%(constant)s + d.place), 0)
                     + coalesce(1.0 / (%(constant)s + l.place), 0) as score,
         d.distance, coalesce(l.score, 0) as bm25
    from dense d full join lexical l using (passage_id)
   order by 2 desc, passage_id limit %(limit)s
)
select p.id, p.document_id, p.version_id, d.title, p.page, p.start, p."end", p.text, f.score,
       1 - coalesce(f.distance, (v.embedding <=> %(vector)s::halfvec)), f.bm25
  from fused f
  join documents_passage p on p.id = f.passage_id
  join documents_document d on d.id = p.document_id
  join documents_passagevector v on v.passage_id = f.passage_id
 order by f.score desc, p.id
"""
