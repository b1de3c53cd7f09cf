"""Events with content, and people who unlock it."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from compliance import content, log
from compliance.events import Context, Digest, QuestionAsked
from tests import glass
from tests.people import Person

CANARY = "The lady in room 12 asks for apixaban-7Q4Z"
REASON = "Complaint 2026-31: what was asked about the patient."

Rows = Callable[..., list[tuple[Any, ...]]]


def question(**changes: Any) -> QuestionAsked:
    """An event about a question, of no conversation there is."""
    return QuestionAsked(
        **({"object": uuid4(), "conversation": uuid4()} | changes), question=Digest("a" * 64)
    )


def recorded(
    texts: Mapping[str, str] | None = None, *, by: Person | None = None, matter: UUID | None = None
) -> UUID:
    """Record a question with its text; returns the event's id."""
    actor = by.user.public_id if by else None
    with transaction.atomic():
        return log.append(
            question(),
            context=Context(actor=actor, matter=matter),
            content={"question": CANARY} if texts is None else texts,
        )


def unlock(person: Person, event_id: UUID, part: str = "question", reason: str = REASON) -> str:
    """What a person who has just given their second factor again gets to read."""
    with glass.proved(person) as acting:
        return content.unlock(acting.record, acting.user, event_id, part, reason)


def refusal(person: Person, event_id: UUID, part: str = "question", reason: str = REASON) -> str:
    """The word for why a person gets to read nothing."""
    try:
        unlock(person, event_id, part, reason)
    except content.UnlockRefused as refused:
        return refused.why.value
    raise AssertionError("it was shown")
