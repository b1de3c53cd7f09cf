"""Whose work an answer is: leases in PostgreSQL.

A worker holds an answer by a lease that it renews while it lives. When a lease runs out, or the
worker says at its start that its predecessor is gone, the answer is offered again. Each take-up has
a number (`attempts`); a worker that lost its lease cannot finish an answer, because the number it
knows is no longer the row's.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from assistant.accounts.sealed import seal, unseal
from assistant.chat.models import AnswerWork
from assistant.postgresql.prepared import first_row

ATTEMPTS = 2
"""A question is taken up this often; then its asker is told and decides."""

UNCLAIMED = timedelta(seconds=3)
"""Queued this long and taken by nobody: its message was lost."""


_CLAIM = """
update chat_answerwork
   set worker = %s, lease_until = %s, attempts = attempts + 1
 where answer_id = %s and (lease_until is null or lease_until < %s)
returning sealed_token, attempts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to make an answer: the token of its asker, and which attempt this is."""

    answer_id: UUID
    token: str
    attempt: int


def offer(answer_id: UUID, token: str) -> None:
    """Leave an answer to be made, with the token of its asker."""
    AnswerWork.objects.create(answer_id=answer_id, sealed_token=seal(token))


def claim(answer_id: UUID, worker: str) -> Claim | None:
    """Take an answer that nobody has; None when somebody does or there is nothing to do."""
    # Leases are told by the workers' clock, here as in `renew` and `waiting`.
    now = timezone.now()
    taken = first_row(_CLAIM, [worker, now + lease(), answer_id, now])
    if taken is None:
        return None
    sealed_token, attempt = taken
    return Claim(answer_id=answer_id, token=unseal(sealed_token), attempt=attempt)


def renew(claims: list[Claim]) -> None:
    """Show that this worker lives."""
    until = timezone.now() + lease()
    for held in claims:
        AnswerWork.objects.filter(answer_id=held.answer_id, attempts=held.attempt).update(
            lease_until=until
        )


def finish(held: Claim) -> bool:
    """Close the work, in the transaction that stores the answer; False when it was lost."""
    deleted, _ = AnswerWork.objects.filter(
        answer_id=held.answer_id, attempts=held.attempt
    ).delete()
    return bool(deleted)


def give_back(held: Claim) -> None:
    """Let somebody else take it up at once, for instance when the model server was away."""
    AnswerWork.objects.filter(answer_id=held.answer_id, attempts=held.attempt).update(
        lease_until=None, worker="", queued_at=timezone.now()
    )


def request_stop(answer_id: UUID) -> bool:
    """Ask for an answer to be stopped; False when nothing is being made any more."""
    return bool(AnswerWork.objects.filter(answer_id=answer_id).update(stop_requested=True))


def take_back(answer_id: UUID) -> bool:
    """Close work that nobody has begun; False when somebody has."""
    deleted, _ = AnswerWork.objects.filter(
        answer_id=answer_id, lease_until__isnull=True
    ).delete()
    return bool(deleted)


def is_known(answer_id: UUID) -> bool:
    """Whether anybody will still make this answer."""
    return AnswerWork.objects.filter(answer_id=answer_id).exists()


def free(worker: str) -> int:
    """End the leases of a worker that is known to be dead; returns how many."""
    return AnswerWork.objects.filter(worker=worker).update(
        lease_until=None, worker="", queued_at=timezone.now() - UNCLAIMED
    )


def waiting() -> list[UUID]:
    """Answers that nobody is making: their message was lost, or their worker died."""
    now = timezone.now()
    return list(
        AnswerWork.objects.filter(
            Q(lease_until__isnull=True, queued_at__lt=now - UNCLAIMED) | Q(lease_until__lt=now)
        )
        .order_by("queued_at")
        .values_list("answer_id", flat=True)[:100]
    )


def touch(answer_ids: list[UUID]) -> None:
    """Note that a message was sent for these just now, so that none is sent at each look."""
    AnswerWork.objects.filter(answer_id__in=answer_ids, lease_until__isnull=True).update(
        queued_at=timezone.now()
    )


def lease() -> timedelta:
    """How long a worker may be silent."""
    return timedelta(seconds=settings.LEASE_SECONDS)

