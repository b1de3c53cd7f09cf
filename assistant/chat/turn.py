"""The first two of an answer's three short transactions: begin, and show evidence.

Each enters the asker's identity, so a right that has gone is gone at the next step. The third is
in outcome.py.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from assistant.accounts.identity import NotSignedIn, asked_as, entered
from assistant.chat import work
from assistant.chat.basis import Basis
from assistant.chat.ground import Grounds
from assistant.chat.models import Answer, Evidence
from assistant.chat.prompt import Exchange
from assistant.documents import retrieve
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
    scope_key: str
    history: tuple[Exchange, ...]
    basis: Basis
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

    @property
    def documents(self) -> frozenset[UUID]:
        return frozenset(row.document_id for row in self.rows)


NOTHING_SHOWN = Shown(rows=[], grounds=Grounds(()), similarity=0.0)


def begin(answer_id: UUID, worker: str) -> Turn | None:
    """Take up an answer; None when somebody else has it or there is nothing to do.

    Raises NotSignedIn when the session it was asked in has ended.
    """
    # The claim is committed first: whatever goes wrong afterwards counts as an attempt.
    held = work.claim(answer_id, worker)
    if held is None:
        return None
    try:
        return _begin(held)
    except NotSignedIn:
        work.finish(held)
        raise


def _begin(held: work.Claim) -> Turn | None:
    answer_id = held.answer_id
    row = asked_as(held.token, _BEGIN, [held.attempt, answer_id])
    if row is None:
        work.finish(held)
        return None
    begun = _Begun(*row)
    history, rests_on = _carried_along(held, begun.follows) if begun.follows else ((), frozenset())
    return Turn(
        claim=held,
        question=begun.question,
        uses_documents=begun.uses_documents,
        conversation_id=begun.conversation,
        matter_id=begun.matter,
        acl_group=begun.acl_group,
        owner_id=begun.owner_id,
        scope_key=begun.scope_key,
        history=history,
        basis=Basis(matter_id=begun.matter, groups=frozenset(begun.groups), documents=rests_on),
        documents=begun.documents,
        record=Context(
            actor=begun.person, session=begun.session, request=answer_id, matter=begun.matter
        ),
    )


# Marks an answer as begun and reads all that making it needs. The mark need not outlive the
# database's fall, because the claim does: whoever takes the answer up next marks it again.
_BEGIN = """
update chat_answer a set state = 'answering', attempt = %s, rests_on = '{}'
  from chat_question q, chat_conversation c
 where a.id = %s and a.state in ('queued', 'answering')
   and q.id = a.question_id and c.id = q.conversation_id
returning q.text, q.uses_documents, q.follows_id, c.id, c.matter_id,
          a.acl_group, a.owner_id, auth.scope_key(c.matter_id),
          auth.my_groups_in(c.matter_id), auth.person(), auth.session_id(),
          case when q.uses_documents then (
            select count(*) from documents_document d
             where d.matter_id = c.matter_id and d.deleted_at is null
               and d.live_version_id is not null) else 0 end,
          set_config('synchronous_commit', 'off', true)
"""


class _Begun(NamedTuple):
    """What making an answer needs, as the database returns it."""

    question: str
    uses_documents: bool
    follows: UUID | None
    conversation: UUID
    matter: UUID
    acl_group: int
    owner_id: int
    scope_key: str
    groups: list[int]
    person: UUID
    session: UUID
    documents: int
    durable: str


def _carried_along(
    held: work.Claim, follows_id: UUID
) -> tuple[tuple[Exchange, ...], frozenset[UUID]]:
    """The last exchanges up to this answer, the oldest first, and the documents they rest on.

    Those are noted with the answer to come, before anything of it is made.
    """
    with entered(held.token):
        exchanges: list[Exchange] = []
        rests_on: set[UUID] = set()
        answer: Answer | None = Answer.objects.filter(pk=follows_id).first()
        while answer is not None and len(exchanges) < MEMORY:
            exchanges.append(Exchange(question=answer.question.text, answer=answer.text))
            rests_on.update(answer.rests_on)
            answer = answer.question.follows
        if rests_on:
            Answer.objects.filter(pk=held.answer_id).update(rests_on=sorted(rests_on))
    return tuple(exchanges[::-1]), frozenset(rests_on)


def show_evidence(turn: Turn, vector: Any, asked: str) -> Shown:
    """Find the passages, store them with the answer and record them, before anybody sees them."""
    with retrieve.entered_to_search(turn.claim.token, turn.matter_id) as scope:
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
        rests_on = turn.basis.documents | {f.document for f in found}
        Answer.objects.filter(pk=turn.answer_id).update(rests_on=sorted(rests_on))
        log.append(
            EvidenceShown(
                object=turn.answer_id,
                conversation=turn.conversation_id,
                passages=tuple(_passage_shown(f) for f in found),
            ),
            context=turn.record,
            content=retrieve.as_content(found),
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
