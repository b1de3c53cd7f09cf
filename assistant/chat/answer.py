"""Answers one queued question: the flow, top to bottom.

Evidence first, prose second, each sentence checked. No transaction is open and no database
connection is held while a model talks.
"""

import logging
import time
from contextlib import closing
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import connections

from assistant.accounts.identity import NotSignedIn
from assistant.chat import engines, outcome, prompt, running, turn, work
from assistant.chat.basis import Lost
from assistant.chat.ground import Grounds
from assistant.chat.models import AnswerState
from assistant.chat.outcome import Outcome
from assistant.chat.running import Held
from assistant.chat.stream import Publisher
from assistant.chat.turn import NOTHING_SHOWN, Shown, Turn
from assistant.chat.writing import Writing
from assistant.documents import admission, vectors
from assistant.documents.publish import spoken_title
from assistant.workers import this_worker
from compliance.log import NotRecorded
from inference import generate
from inference.errors import (
    BadReply,
    InferenceError,
    Refused,
    Stopped,
    Timeout,
    TooLong,
    Unavailable,
)

WEAK_SIMILARITY = 0.30
"""Cosine below which the best passage is about something else."""

DOUBTFUL_SIMILARITY = 0.45
LEAST_COVERAGE = 0.35
"""Share of the question's words the evidence must hold where the similarity is doubtful."""

LEAST_SUPPORTED = 0.5
WAIT_FOR_MODEL_SECONDS = 60.0
SHORT_QUESTION_WORDS = 6

NO_ANSWER = (
    "The documents of this matter do not answer this question. "
    "The nearest passages are shown beside it."
)
QUOTED_FOR_ABSTAINING = (
    "The model found no answer. These sentences of the documents come nearest."
)
QUOTED_FOR_UNSUPPORTED = (
    "The model's own words were not supported, so the documents are quoted instead."
)
REPEATED = "The model began to repeat itself and was stopped; the repetition is left out."
NOT_RECORDED = Outcome(
    state=AnswerState.REFUSED,
    failure="not_recorded",
    reason="This could not be recorded, so it was not answered. Tell the operator.",
)
UNAVAILABLE = (
    "The model is not available at the moment. Your question is saved; ask again in a minute."
)
FAILURES: dict[type[InferenceError], str] = {
    Timeout: "The model took too long and was stopped. Your question is saved; ask it again.",
    TooLong: "Question and passages are too long for this model. Ask a shorter question.",
    Refused: "The model server refused the question. Tell the operator the reference.",
    BadReply: "The model server answered with something that is no answer. "
    "Tell the operator the reference.",
}

logger = logging.getLogger(__name__)


def answer(answer_id: UUID) -> None:
    """Answer one queued question, streaming as we go. A second call finds nothing to do."""
    try:
        taken = turn.begin(answer_id, this_worker())
    except NotSignedIn:
        logger.info("answer %s: its session has ended", answer_id)
        return
    if taken is None:
        return
    publisher = Publisher(answer_id)
    with running.tracked(taken.claim, taken.basis) as held:
        try:
            ended = _answer(taken, publisher, held)
            _close(taken, ended, publisher, held)
        except NotRecorded:
            _close(taken, NOT_RECORDED, publisher, held)
        except NotSignedIn:
            held.lost = Lost.SESSION
        if held.lost:
            _withhold(taken, held.lost, publisher)
    publisher.settle()


def _answer(taken: Turn, publisher: Publisher, held: Held) -> Outcome:
    if taken.claim.attempt > work.ATTEMPTS:
        return Outcome(
            state=AnswerState.FAILED,
            failure="interrupted",
            reason="Answering was interrupted twice. Your question is saved; ask it again.",
        )
    _announce(taken, publisher)
    shown = NOTHING_SHOWN
    if taken.uses_documents:
        asked = _standalone(taken)
        try:
            shown = _search(taken, asked, publisher, held.cancel)
        except admission.GaveUp:
            return Outcome(state=AnswerState.STOPPED, reason="You stopped this answer.")
        held.rest_on(shown.documents)
        publisher.event({"type": "evidence", "passages": [row.as_event() for row in shown.rows]})
        if not shown.rows:
            return Outcome(
                state=AnswerState.NOT_FOUND,
                reason="There are no documents in this matter yet. Add some, then ask again.",
            )
        if not _is_about(shown, asked):
            return Outcome(state=AnswerState.NOT_FOUND, reason=NO_ANSWER)
    connections.close_all()
    return _write(taken, shown, publisher, held.cancel)


def _announce(taken: Turn, publisher: Publisher) -> None:
    if taken.claim.attempt > 1:
        text = "The answer was interrupted. It is being written again."
        publisher.restart({"type": "restart", "attempt": taken.claim.attempt, "text": text})
    elif taken.uses_documents:
        count = taken.documents
        text = f"Searching {count} document{'' if count == 1 else 's'}…"
    else:
        text = "Asking without documents…"
    publisher.event({"type": "status", "state": "answering", "text": text})


def _search(taken: Turn, asked: str, publisher: Publisher, cancel: generate.Cancel) -> Shown:
    """The evidence, when it is this search's turn; the asker is told of a wait."""

    def waiting() -> None:
        # Those whose turn it is need the pool's connections.
        connections.close_all()
        text = "Many are searching at the moment. Yours waits its turn…"
        publisher.event({"type": "status", "state": "answering", "text": text})

    with admission.admitted(waiting=waiting, given_up=lambda: cancel.is_set):
        return turn.show_evidence(taken, vectors.embedder().query(asked), asked)


def _standalone(taken: Turn) -> str:
    """The question with what it leans on: a short one is read together with the one before."""
    if taken.history and len(taken.question.split()) < SHORT_QUESTION_WORDS:
        return f"{taken.history[-1].question} {taken.question}"
    return taken.question


def _is_about(shown: Shown, asked: str) -> bool:
    """Whether the evidence is about the question at all."""
    if shown.similarity < WEAK_SIMILARITY:
        return False
    return (
        shown.similarity >= DOUBTFUL_SIMILARITY
        or shown.grounds.coverage(asked) >= LEAST_COVERAGE
    )


@dataclass(slots=True, kw_only=True)
class _Asked:
    """Who was asked what; stays as far as it came when the model fails."""

    choice: engines.Choice | None = None
    fitted: prompt.Fitted | None = None
    usage: generate.Usage | None = None


def _write(
    taken: Turn,
    shown: Shown,
    publisher: Publisher,
    cancel: generate.Cancel,
) -> Outcome:
    mark = prompt.mark_for(settings.SECRET_KEY, taken.conversation_id)
    writing = Writing(shown, publisher, mark=mark, grounded=taken.uses_documents)
    asked = _Asked()
    state, reason, failure = AnswerState.ANSWERED, "", ""
    try:
        asked.choice = _model_in_order(publisher, cancel)
        asked.fitted = _prompt(taken, shown, mark, asked.choice.max_model_len)
        text = _writing_text(asked.fitted)
        publisher.event({"type": "status", "state": "answering", "text": text})
        _take_down(asked, writing, cancel)
    except Stopped:
        state, reason = AnswerState.STOPPED, "You stopped this answer."
    except InferenceError as trouble:
        engines.distrust()
        logger.warning("answer %s: %s", taken.answer_id, trouble)
        state, failure = AnswerState.FAILED, type(trouble).__name__.lower()
        reason = FAILURES.get(type(trouble), UNAVAILABLE)
    publisher.flush()
    writing.end()
    if writing.is_repeating and state is AnswerState.ANSWERED:
        reason = REPEATED
    ended = replace(
        _written(asked, writing), state=state, reason=reason, failure=failure
    )
    if state is AnswerState.ANSWERED and taken.uses_documents:
        return _judged(ended, taken, writing, shown.grounds)
    return ended


def _written(asked: _Asked, writing: Writing) -> Outcome:
    return Outcome(
        state=AnswerState.ANSWERED,
        text=writing.text,
        sentences=writing.sentences,
        citations=writing.citations,
        model=asked.choice.model if asked.choice else "",
        why=asked.choice.why if asked.choice else "",
        asked=asked.fitted,
        usage=asked.usage,
    )


def _prompt(
    taken: Turn, shown: Shown, mark: str, max_model_len: int | None
) -> prompt.Fitted:
    return prompt.fit(
        taken.question,
        sources=[
            prompt.Source(title=spoken_title(row.title), page=row.page, text=row.text)
            for row in shown.rows[: settings.PASSAGES_READ]
        ],
        history=taken.history,
        mark=mark,
        cache_salt=prompt.cache_salt_for(settings.SECRET_KEY, taken.matter_id, taken.scope_key),
        max_tokens=settings.ANSWER_TOKENS,
        max_model_len=max_model_len,
        uses_documents=taken.uses_documents,
    )


def _writing_text(fitted: prompt.Fitted) -> str:
    if fitted.passages_left_out:
        return "Writing… The model has room for fewer passages than usual."
    if fitted.exchanges_left_out:
        return "Writing… The model has no room for earlier questions."
    return "Writing…"


def _take_down(asked: _Asked, writing: Writing, cancel: generate.Cancel) -> None:
    """Take what the model says, to its end or until it repeats itself."""
    assert asked.choice is not None
    assert asked.fitted is not None
    stream = generate.stream(
        asked.choice.client, asked.fitted.prompt, cancel=cancel, rest=running.rest
    )
    # Leaving the stream early hangs up, and the model server's slot is free again.
    with closing(stream) as deltas:
        for delta in deltas:
            writing.add(delta.text)
            asked.usage = delta.usage or asked.usage
            if writing.is_repeating:
                return


def _model_in_order(publisher: Publisher, cancel: generate.Cancel) -> engines.Choice:
    """A model that is ready; waits for one that is still loading, and says so."""
    give_up_at = time.monotonic() + WAIT_FOR_MODEL_SECONDS
    while True:
        try:
            return engines.choose()
        except Unavailable:
            if time.monotonic() > give_up_at:
                raise
        text = "The model is starting. Your question waits for it…"
        publisher.event({"type": "status", "state": "answering", "text": text})
        for _ in range(20):
            if cancel.is_set:
                raise Stopped
            time.sleep(0.1)


def _judged(ended: Outcome, taken: Turn, writing: Writing, grounds: Grounds) -> Outcome:
    """Keep prose that the documents support; else quote them, or say that they do not answer."""
    abstained = prompt.NOT_FOUND in ended.text.upper()
    if not abstained and writing.supported_share >= LEAST_SUPPORTED:
        return ended
    asked = _standalone(taken)
    quotations = grounds.quotations(asked)
    is_answered = bool(quotations) and not (
        abstained and grounds.coverage(asked) < LEAST_COVERAGE
    )
    writing.quote(quotations if is_answered else [])
    if not is_answered:
        reason = NO_ANSWER
    else:
        reason = QUOTED_FOR_ABSTAINING if abstained else QUOTED_FOR_UNSUPPORTED
    return replace(
        ended,
        state=AnswerState.QUOTED if is_answered else AnswerState.NOT_FOUND,
        text=writing.text,
        sentences=writing.sentences,
        citations=writing.citations,
        reason=reason,
    )


def _close(taken: Turn, ended: Outcome, publisher: Publisher, held: Held) -> None:
    if held.lost:
        return
    try:
        stored = outcome.finish(taken, ended, held.basis)
    except outcome.RightsLost:
        held.lost = Lost.RIGHTS
        return
    except NotRecorded:
        logger.error("answer %s could not be recorded and was not given", taken.answer_id)
        publisher.restart({"type": "restart", "attempt": taken.claim.attempt, "text": ""})
        publisher.event(NOT_RECORDED.as_event(""))
        return
    if stored:
        publisher.event(ended.as_event(str(taken.answer_id)))


def _withhold(taken: Turn, why: Lost, publisher: Publisher) -> None:
    """Take back what was shown of an answer whose asker may not see it any more."""
    try:
        reason = outcome.withhold(taken, why)
    except NotRecorded:
        # Nothing of it is stored in any case; the next who looks finds it abandoned.
        logger.error("answer %s: that it was withheld could not be recorded", taken.answer_id)
        reason = NOT_RECORDED.reason
    if reason is not None:
        ended = Outcome(state=AnswerState.REFUSED, reason=reason)
        publisher.begin_anew({**ended.as_event(""), "withheld": True})
