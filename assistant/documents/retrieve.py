"""Finds the passages a question is about, among those the person who is entered may see.

Vectors and BM25 are searched in one statement and fused by reciprocal rank (Cormack, Clarke and
Buettcher 2009, with k = 10 as measured in docs/architecture.md). The database decides what is
visible; the groups given here only help its index.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from assistant.documents.terms import terms_of

CANDIDATES = 50
"""How many passages each of the two searches offers."""

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
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with mine as materialized (
              select case when %s::uuid is null then auth.my_groups()
                          else auth.my_groups_in(%s::uuid) end as groups)
            select groups, s.passages, s.words from mine, auth.scope_statistics(mine.groups) s
            """,
            [matter_id, matter_id],
        )
        groups, passages, words = cursor.fetchone()
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


# BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009). Document frequencies are counted
# over the caller's own postings, so no word of a hidden document can be told from a score.
# `+ 0` keeps the planner from ever answering an exact search with an approximate index.
_SEARCH = """
with dense as materialized (
  select passage_id, distance, row_number() over (order by distance, passage_id) as place
    from (select v.passage_id, (v.embedding <=> %(vector)s::halfvec) + 0 as distance
            from documents_passagevector v
           where v.acl_group = any (%(groups)s::int[])
           order by 2, 1 limit %(candidates)s) nearest
),
matches as materialized (
  select p.passage_id, p.frequency, p.words, count(*) over (partition by p.term) as df
    from documents_posting p
   where p.term = any (%(terms)s::text[]) and p.acl_group = any (%(groups)s::int[])
),
lexical as materialized (
  select passage_id, bm25, row_number() over (order by bm25 desc, passage_id) as place
    from (select passage_id,
                 sum(ln(1 + (%(passages)s - df + 0.5) / (df + 0.5)) * frequency * 2.2
                     / (frequency + 1.2 * (0.25 + 0.75 * words / %(mean_words)s::float8))) as bm25
            from matches group by passage_id
           order by 2 desc, 1 limit %(candidates)s) best
),
fused as materialized (
  select passage_id, coalesce(1.0 / (%(constant)s + d.place), 0)
                     + coalesce(1.0 / (%(constant)s + l.place), 0) as score,
         d.distance, coalesce(l.bm25, 0) as bm25
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
