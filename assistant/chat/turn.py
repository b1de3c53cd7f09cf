"""The first two of an answer's three short transactions: begin, and show evidence.

Each enters the asker's identity, so a right that has gone is gone at the next step. The third is
in outcome.py.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from assistant.accounts.identity import entered
from assistant.chat import work
from assistant.chat.ground import Grounds
from assistant.chat.models import Answer, Evidence
from assistant.chat.prompt import Exchange
from assistant.documents import retrieve
from assistant.documents.library import live_documents
from compliance import log
from compliance.events import Context, Digest, EvidenceShown
from compliance.events.answers import PassageShown

MEMORY = 2
"""Earlier exchanges of the branch that a question carries along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question on its way to an answer."""

    claim: work.Claim
    question: str
    uses_documents: bool
    conversation_id: UUID
    matter_id: UUID
    acl_group: int
    owner_id: int
    epoch: int
    history: tuple[Exchange, ...]
    documents: int
    record: Context

    @property
    def answer_id(self) -> UUID:
        return self.claim.answer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The evidence of an answer: its rows, what can be checked against it, and how near it is.

    `similarity` is the best passage's cosine with the question (-1..1), 0 without passages.
    """

    rows: list[Evidence]
    grounds: Grounds
    similarity: float


NOTHING_SHOWN = Shown(rows=[], grounds=Grounds(()), similarity=0.0)


def begin(answer_id: UUID, worker: str) -> Turn | None:
    """Take up an answer; None when somebody else has it or there is nothing to do.

    Raises NotSignedIn when the session it was asked in has ended.
    """
    # The claim is committed first: whatever goes wrong afterwards counts as an attempt.
    held = work.claim(answer_id, worker)
    if held is None:
        return None
    with entered(held.token):
        begun = _begin(held)
        if begun is None:
            work.finish(held)
            return None
        return Turn(
            claim=held,
            question=begun.question,
            uses_documents=begun.uses_documents,
            conversation_id=begun.conversation,
            matter_id=begun.matter,
            acl_group=begun.acl_group,
            owner_id=begun.owner_id,
            epoch=begun.epoch,
            history=tuple(_history(begun.follows)) if begun.follows else (),
            documents=live_documents(begun.matter) if begun.uses_documents else 0,
            record=Context(
                actor=begun.person, session=begun.session, request=answer_id, matter=begun.matter
            ),
        )


class _Begun(NamedTuple):
    """What making an answer needs, as the database returns it."""

    question: str
    uses_documents: bool
    follows: UUID | None
    conversation: UUID
    matter: UUID
    acl_group: int
    owner_id: int
    epoch: int
    person: UUID
    session: UUID


def _begin(held: work.Claim) -> _Begun | None:
    """Mark an answer as begun, and read all that making it needs, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            update chat_answer a set state = 'answering', attempt = %s
              from chat_question q, chat_conversation c, accounts_user u
             where a.id = %s and a.state in ('queued', 'answering')
               and q.id = a.question_id and c.id = q.conversation_id and u.id = a.owner_id
            returning q.text, q.uses_documents, q.follows_id, c.id, c.matter_id,
                      a.acl_group, a.owner_id, auth.epoch(c.matter_id), u.public_id,
                      auth.session_id()
            """,
            [held.attempt, held.answer_id],
        )
        begun = cursor.fetchone()
    return None if begun is None else _Begun(*begun)


def _history(follows_id: UUID) -> list[Exchange]:
    """The last exchanges of the branch that ends with this answer, the oldest first."""
    exchanges: list[Exchange] = []
    answer: Answer | None = Answer.objects.filter(pk=follows_id).first()
    while answer is not None and len(exchanges) < MEMORY:
        exchanges.append(Exchange(question=answer.question.text, answer=answer.text))
        answer = answer.question.follows
    return exchanges[::-1]


def show_evidence(turn: Turn, vector: Any, asked: str) -> Shown:
    """Find the passages, store them with the answer and record them, before anybody sees them."""
    with entered(turn.claim.token):
        scope = retrieve.scope_of(turn.matter_id)
        found = retrieve.passages_for(asked, vector, scope=scope, limit=settings.PASSAGES_SHOWN)
        grounds = Grounds((rank, f.text) for rank, f in enumerate(found, start=1))
        marks: dict[int, list[list[int]]] = {}
        for source in grounds.quotations(asked, most=3):
            marks.setdefault(source.rank, []).append([source.start, source.end])
        rows = [
            _evidence_row(turn, rank, f, sorted(marks.get(rank, [])))
            for rank, f in enumerate(found, start=1)
        ]
        if turn.claim.attempt > 1:
            Evidence.objects.filter(answer_id=turn.answer_id).delete()
        Evidence.objects.bulk_create(rows)
        log.append(
            EvidenceShown(
                object=turn.answer_id,
                conversation=turn.conversation_id,
                passages=tuple(_passage_shown(f) for f in found),
            ),
            context=turn.record,
        )
    similarity = max((f.similarity for f in found), default=0.0)
    return Shown(rows=rows, grounds=grounds, similarity=similarity)


def _passage_shown(found: retrieve.Found) -> PassageShown:
    return PassageShown(
        passage=found.passage,
        document=found.document,
        version=found.version,
        sha256=Digest(hashlib.sha256(found.text.encode()).hexdigest()),
    )


def _evidence_row(
    turn: Turn, rank: int, found: retrieve.Found, marks: list[list[int]]
) -> Evidence:
    return Evidence(
        answer_id=turn.answer_id,
        owner_id=turn.owner_id,
        acl_group=turn.acl_group,
        rank=rank,
        passage_id=found.passage,
        document_id=found.document,
        version_id=found.version,
        title=found.title,
        page=found.page,
        start=found.start,
        end=found.end,
        text=found.text,
        score=found.score,
        marks=marks,
    )
