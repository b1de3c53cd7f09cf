"""Holds: what must be kept cannot be erased, whoever asks.

A hold names a matter, a person (what they wrote and were shown), a span of time, or several of
these, which must then all fit. It keeps what is recorded now and what is recorded later. Privacy
officers place and lift it; row security looks at the role.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from compliance import log
from compliance.content.reasons import written
from compliance.events import Context, HoldLifted, HoldPlaced
from compliance.models import Hold
from compliance.shape import ComplianceError

LONGEST_REFERENCE = 80
_ONE_AT_A_TIME = 0x686F6C64
"""Placing a hold and destroying keys wait for each other: this advisory lock."""


class NoSuchHold(ComplianceError):
    """There is no such hold, or it was lifted."""


@transaction.atomic
def place(
    record: Context,
    *,
    reference: str,
    reason: str,
    matter: UUID | None = None,
    person: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Hold:
    """Keep content from being erased. `since` is included, `until` is not.

    `reference` is what the house calls it, for lists: no names of people. The reason is locked
    content. Raises ValidationError, and NotRecorded for whoever is no privacy officer.
    """
    reference = " ".join(reference.split())
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        raise ValidationError(f"Give the hold a reference of up to {LONGEST_REFERENCE} characters.")
    if matter is None and person is None and since is None and until is None:
        raise ValidationError("Say what is held: a matter, a person or a span of time.")
    if since and until and since >= until:
        raise ValidationError("The span of time ends before it begins.")
    reason = written(reason)
    if record.actor is None:
        raise ValidationError("A hold is placed by a person.")
    one_at_a_time()
    hold = Hold(
        id=uuid4(),
        reference=reference,
        matter=matter,
        person=person,
        since=since,
        until=until,
        placed_by=record.actor,
        placed_at=timezone.now(),
    )
    placed = HoldPlaced(
        object=hold.id,
        person=person,
        since=since.isoformat() if since else None,
        until=until.isoformat() if until else None,
    )
    log.append(placed, context=replace(record, matter=matter), content={"reason": reason})
    hold.save(force_insert=True)
    return hold


@transaction.atomic
def lift(record: Context, hold_id: UUID, *, reason: str) -> Hold:
    """Let content be erased again that this hold kept. Raises NoSuchHold and ValidationError."""
    reason = written(reason)
    hold = Hold.objects.filter(pk=hold_id, lifted_at__isnull=True).first()
    if hold is None:
        raise NoSuchHold("There is no such hold, or it was lifted.")
    log.append(
        HoldLifted(object=hold.id),
        context=replace(record, matter=hold.matter),
        content={"reason": reason},
    )
    lifted = Hold.objects.filter(pk=hold.pk, lifted_at__isnull=True).update(
        lifted_by=record.actor, lifted_at=timezone.now()
    )
    if not lifted:
        raise NoSuchHold("This hold is not yours to lift.")
    hold.refresh_from_db()
    return hold


def holds(*, standing: bool = True) -> list[Hold]:
    """The holds, the newest first, for auditors and privacy officers; those that stand, or all."""
    found = Hold.objects.order_by("-placed_at")
    return list(found.filter(lifted_at__isnull=True) if standing else found)


def one_at_a_time() -> None:
    """Wait until nobody else places a hold or destroys keys; until this transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
