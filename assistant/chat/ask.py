"""Putting a question: accepted and recorded in one transaction, or not at all."""

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.accounts import identity
from assistant.accounts.models import User
from assistant.chat import taking, work
from assistant.chat.access import answer_for, conversation_for
from assistant.chat.models import OPEN_STATES, Answer, AnswerState, Conversation, Question
from compliance import log
from compliance.events import AnswerRetried, AnswerStopped, Context, QuestionAsked

WORK_MINUTES = 60
TITLE_LENGTH = 80
MOST_WAITING = 4
"""Answers one person may have under way at once; more would only wait longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A question that was taken, and the answer that is to come. `is_new` is False for a resend."""

    conversation: Conversation
    question: Question
    answer: Answer
    is_new: bool


class TooManyOpen(ValidationError):
    """The person has enough answers under way."""


def accept_question(
    record: Context,
    user: User,
    *,
    text: str,
    key: UUID,
    matter_id: UUID | None = None,
    conversation_id: UUID | None = None,
    follows_id: UUID | None = None,
    uses_documents: bool = True,
    standing: taking.Standing | None = None,
) -> Accepted:
    """Take a question; the same `key` again gives the same answer.

    Without `conversation_id` a conversation is begun in `matter_id`. `follows_id` is the answer it
    comes after; editing a question asks again after the same answer. `standing` is what
    `taking.entered_to_ask` read in this transaction, if it was begun so. Call
    `tasks.answer_message.delay_on_commit(answer.id)` when it is new. Raises Missing,
    ValidationError (empty, too long, the key was used for another text) and NotRecorded.
    """
    text = text.strip()
    standing = standing or taking.look(user.id, key=key, matter_id=matter_id)
    if standing.asked_before is not None:
        return _again(standing.asked_before, text)
    _check(text, standing.open_answers)
    conversation = (
        conversation_for(conversation_id)
        if conversation_id
        else _conversation_in(user, matter_id, standing.matter_group, text)
    )
    follows = answer_for(follows_id) if follows_id else None
    if follows is not None and follows.question.conversation_id != conversation.id:
        raise ValidationError("That answer belongs to another conversation.")
    commitment = log.commitment(text)
    question = Question(
        conversation=conversation,
        owner=user,
        acl_group=conversation.acl_group,
        follows=follows,
        text=text,
        nonce=commitment.nonce,
        uses_documents=uses_documents,
        key=key,
    )
    answer = _answer_to(question)
    log.append(
        QuestionAsked(
            object=question.id,
            conversation=conversation.id,
            answer=answer.id,
            question=commitment.digest,
        ),
        context=replace(record, matter=conversation.matter_id),
        content={"question": text},
    )
    taking.store(
        conversation,
        question,
        answer,
        is_first=conversation_id is None,
        token=secrets.token_urlsafe(32),
        minutes=WORK_MINUTES,
    )
    return Accepted(conversation=conversation, question=question, answer=answer, is_new=True)


def ask_again(record: Context, user: User, *, answer_id: UUID) -> Answer:
    """Have the same question answered anew, beside the answers it has. Raises Missing."""
    former = answer_for(answer_id)
    if former.is_open:
        raise ValidationError("This answer is still being written. Stop it first.")
    _check(former.question.text, Answer.objects.filter(owner=user, state__in=OPEN_STATES).count())
    answer = _answer_to(former.question)
    log.append(
        AnswerRetried(
            object=answer.id, conversation=former.question.conversation_id, replaces=former.id
        ),
        context=replace(record, matter=former.question.conversation.matter_id),
    )
    answer.save(force_insert=True)
    _offer(answer)
    return answer


def stop(record: Context, *, answer_id: UUID) -> None:
    """Stop an answer: at once when nobody has begun, else within a second. Raises Missing."""
    answer = answer_for(answer_id)
    if not answer.is_open or not work.request_stop(answer_id):
        return
    if not work.take_back(answer_id):
        return
    Answer.objects.filter(pk=answer_id).update(
        state=AnswerState.STOPPED,
        reason="You stopped this answer before it began.",
        finished_at=timezone.now(),
    )
    log.append(
        AnswerStopped(object=answer_id, conversation=answer.question.conversation_id),
        context=replace(record, matter=answer.question.conversation.matter_id),
    )


def _again(question_id: UUID, text: str) -> Accepted:
    question = Question.objects.select_related("conversation").get(pk=question_id)
    if question.text != text:
        raise ValidationError("This key was used for another question. Send a new key.")
    answer = question.answers.order_by("created_at").first()
    if answer is None:
        # It was stored together with its question, so it is withheld now.
        raise Missing
    return Accepted(
        conversation=question.conversation, question=question, answer=answer, is_new=False
    )


def _check(text: str, open_answers: int) -> None:
    if not text:
        raise ValidationError("Write a question first.")
    if len(text) > settings.QUESTION_CHARACTERS:
        raise ValidationError(
            f"The question has {len(text):,} characters; "
            f"at most {settings.QUESTION_CHARACTERS:,} can be asked at once."
        )
    if open_answers >= MOST_WAITING:
        raise TooManyOpen(
            f"{open_answers} of your questions are being answered. Wait for one, or stop it."
        )


def _conversation_in(
    user: User, matter_id: UUID | None, group: int | None, text: str
) -> Conversation:
    if matter_id is None:
        raise ValidationError("Choose a matter to ask in.")
    if group is None:
        raise Missing
    return Conversation(owner=user, matter_id=matter_id, acl_group=group, title=title_from(text))


def title_from(text: str) -> str:
    """The first words of a question, as the title of its conversation."""
    line = " ".join(text.split())
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"


def _answer_to(question: Question) -> Answer:
    return Answer(question=question, owner_id=question.owner_id, acl_group=question.acl_group)


def _offer(answer: Answer) -> None:
    token = secrets.token_urlsafe(32)
    identity.delegate(token, minutes=WORK_MINUTES)
    work.offer(answer.id, token)
