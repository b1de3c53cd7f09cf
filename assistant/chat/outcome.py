"""The last of an answer's transactions: answer, citations, receipt and event, or none of them."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg_pool import PoolTimeout

from assistant.accounts.identity import entered
from assistant.chat import prompt, work
from assistant.chat.basis import Basis, Lost, holds
from assistant.chat.models import Answer, AnswerState, Citation
from assistant.chat.turn import Turn
from compliance import log
from compliance.events import AnswerFailed, AnswerGiven, AnswerRefused, AnswerStopped
from compliance.events import AnswerState as RecordedState
from inference.generate import Usage

STORE_SECONDS = 60.0
"""An answer that is ready waits this long for the database to come back."""

GIVEN = (AnswerState.ANSWERED, AnswerState.QUOTED, AnswerState.NOT_FOUND)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an answer ended."""

    state: AnswerState
    text: str = ""
    sentences: list[dict[str, Any]] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    model: str = ""
    why: str = ""
    reason: str = ""
    failure: str = "unknown"
    asked: prompt.Fitted | None = None
    usage: Usage | None = None

    def as_event(self, receipt: str) -> dict[str, Any]:
        return {
            "type": "final",
            "state": self.state.value,
            "text": self.text,
            "sentences": self.sentences,
            "citations": [span.as_event() for span in self.citations],
            "model": self.model,
            "why": self.why,
            "reason": self.reason,
            "receipt": receipt,
        }


class RightsLost(Exception):
    """The asker may no longer see what the answer rests on, so nothing of it is stored."""


def finish(turn: Turn, outcome: Outcome, basis: Basis) -> bool:
    """Store an answer; False when it was not ours to store any more.

    Raises RightsLost, NotSignedIn and NotRecorded, having stored nothing.

    While the database is away it is tried again for a minute, since the answer is ready.
    """
    give_up_at = time.monotonic() + STORE_SECONDS
    while True:
        try:
            return _store(turn, outcome, basis)
        except (OperationalError, InterfaceError, PoolTimeout) as trouble:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("answer %s waits for the database: %s", turn.answer_id, trouble)
            time.sleep(0.5)


def _store(turn: Turn, outcome: Outcome, basis: Basis) -> bool:
    asked = outcome.asked
    prompted = log.commitment(prompt.text_of(asked.prompt) if asked else "")
    answer = log.commitment(outcome.text)
    receipt = {
        "id": str(turn.answer_id),
        "model": outcome.model,
        "prompt_version": prompt.VERSION if asked else "",
        "prompt_digest": prompted.digest,
        "prompt_nonce": prompted.nonce.hex(),
        "exchanges_left_out": asked.exchanges_left_out if asked else 0,
        "passages_left_out": asked.passages_left_out if asked else 0,
        "answer_digest": answer.digest,
        "answer_nonce": answer.nonce.hex(),
        "tokens_in": outcome.usage.prompt_tokens if outcome.usage else 0,
        "tokens_out": outcome.usage.completion_tokens if outcome.usage else 0,
        "attempt": turn.claim.attempt,
    }
    with entered(turn.claim.token):
        if not holds(basis):
            raise RightsLost
        if not work.finish(turn.claim):
            return False
        Answer.objects.filter(pk=turn.answer_id).update(
            state=outcome.state,
            text=outcome.text,
            sentences=outcome.sentences,
            model=outcome.model,
            why=outcome.why,
            reason=outcome.reason,
            receipt=receipt,
            finished_at=timezone.now(),
        )
        if turn.claim.attempt > 1:
            Citation.objects.filter(answer_id=turn.answer_id).delete()
        Citation.objects.bulk_create(_owned(turn, outcome.citations))
        log.append(
            _event(turn, outcome, prompted.digest, answer.digest),
            context=turn.record,
            content={"answer": outcome.text},
        )
    return True


def withhold(turn: Turn, why: Lost) -> str | None:
    """End an answer with nothing of it stored; returns what its asker is told.

    None when it was not ours to end any more. Nobody is entered: whose session has ended cannot be.
    Raises NotRecorded.
    """
    with transaction.atomic():
        if not work.finish(turn.claim):
            return None
        log.append(
            AnswerRefused(
                object=turn.answer_id, conversation=turn.conversation_id, reason=f"lost_{why.value}"
            ),
            context=turn.record,
        )
        with connection.cursor() as cursor:
            cursor.execute("select auth.withhold(%s, %s)", [turn.answer_id, why.value])
            (reason,) = cursor.fetchone()
    return str(reason or "")


def _owned(turn: Turn, citations: list[Citation]) -> list[Citation]:
    """The citations as rows of this answer. A second try must not bring the first one's keys."""
    for span in citations:
        span.pk = None
        span.answer_id = turn.answer_id
        span.owner_id = turn.owner_id
        span.acl_group = turn.acl_group
    return citations


def _event(turn: Turn, outcome: Outcome, prompted: Any, answer: Any) -> Any:
    about: dict[str, Any] = {"object": turn.answer_id, "conversation": turn.conversation_id}
    if outcome.state in GIVEN:
        return AnswerGiven(
            **about,
            state=RecordedState(outcome.state.value),
            model=outcome.model or None,
            prompt_version=prompt.VERSION if outcome.asked else None,
            prompt=prompted if outcome.asked else None,
            answer=answer,
            tokens_in=outcome.usage.prompt_tokens if outcome.usage else 0,
            tokens_out=outcome.usage.completion_tokens if outcome.usage else 0,
            citations=len(outcome.citations),
        )
    if outcome.state == AnswerState.STOPPED:
        return AnswerStopped(**about, model=outcome.model or None, answer=answer)
    if outcome.state == AnswerState.REFUSED:
        return AnswerRefused(**about, reason=outcome.failure)
    return AnswerFailed(**about, reason=outcome.failure, model=outcome.model or None)

