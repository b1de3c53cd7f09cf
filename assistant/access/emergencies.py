"""Break-glass: access for an hour at most that nobody had, asked for, decided, ended and reviewed.

    ask -> approve or refuse -> (open) -> end, or the clock -> review

It opens by somebody else's approval; where the matter's policy says so and the asker says that it
cannot wait, at once, and the approval comes afterwards. The database moves each step and checks who
may (access/migrations/0007): these verbs record it in the same transaction, and say why not.
Barriers are never opened. All verbs run as the person who is entered.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import EMERGENCY_DECIDED_WITHIN, Emergency, Verdict, Why
from compliance import log
from compliance.events import (
    AccessDenied,
    Context,
    EmergencyApproved,
    EmergencyAsked,
    EmergencyEnded,
    EmergencyOverdue,
    EmergencyRefused,
    EmergencyReviewed,
)

LONGEST_MINUTES = 60
FEWEST_CHARACTERS = 20
MOST_CHARACTERS = 2000
NOT_TO_BE_OPENED = (
    "Break-glass opens no matter or document of this name. Check it; if it is right, speak to a "
    "privacy officer."
)
PROVE_FIRST = (
    "Break-glass needs your second factor again. Set one up on your account page if you have none, "
    "then confirm who you are."
)
WHY_LABELS = {
    Why.TREATMENT: "Somebody's treatment cannot wait",
    Why.SAFETY: "Somebody's safety is at risk",
    Why.DEADLINE: "A legal or business deadline",
    Why.COVER: "Whoever is responsible cannot be reached",
    Why.OTHER: "Something else",
}
VERDICT_LABELS = {
    Verdict.JUSTIFIED: "Justified",
    Verdict.UNJUSTIFIED: "Not justified",
    Verdict.FOLLOW_UP: "To be followed up",
}


def ask(
    record: Context,
    *,
    matter: str,
    why: str,
    text: str,
    minutes: int,
    document: UUID | None = None,
    urgent: bool = False,
) -> Emergency:
    """Ask for access to a matter (its reference or id), or to one document of it.

    Raises ValidationError when something is missing or the second factor was not given again, and
    Missing when there is no such thing, a barrier stands, or it is not for this person: nobody can
    tell which. That is on record.
    """
    text = checked(text, why, minutes)
    if not _asked_the_database("select auth.proved_again()"):
        raise ValidationError(PROVE_FIRST)
    emergency_id, kept = uuid4(), log.commitment(text)
    with transaction.atomic():
        matter_id = _asked_the_database(
            "select auth.ask_emergency(%s, %s, %s, %s, %s, %s, %s, %s)",
            *(emergency_id, matter.strip()[:200], document, why),
            *(text, kept.nonce, minutes, urgent),
        )
        if matter_id is not None:
            asked = Emergency.objects.get(pk=emergency_id)
            event = EmergencyAsked(
                object=asked.pk,
                why=Why(why).value,
                minutes=minutes,
                opened=asked.opened_at is not None,
                document=document,
                reason=kept.digest,
            )
            log.append(
                event, context=replace(record, matter=matter_id), content={"reason": text}
            )
            return asked
    log.append_alone(AccessDenied(what="break_glass", reason="not_to_be_opened"), context=record)
    raise Missing


def emergency_for(emergency_id: UUID) -> Emergency:
    """A break-glass that the person asked for, decides or reviews; raises Missing otherwise."""
    try:
        return Emergency.objects.select_related("person", "approved_by", "reviewed_by").get(
            pk=emergency_id
        )
    except Emergency.DoesNotExist as error:
        raise Missing from error


@transaction.atomic
def approve(record: Context, emergency: Emergency) -> None:
    """Open it, or agree that it was opened. Raises ValidationError when it cannot be."""
    if not _asked_the_database("select auth.decide_emergency(%s, true)", emergency.pk):
        raise ValidationError(_why_undecidable(emergency))
    about = replace(record, matter=emergency.matter_id)
    log.append(
        EmergencyApproved(object=emergency.person.public_id, emergency=emergency.pk), context=about
    )


@transaction.atomic
def refuse(record: Context, emergency: Emergency) -> None:
    """Do not open it, or close what was opened. Raises ValidationError when it is too late."""
    if not _asked_the_database("select auth.decide_emergency(%s, false)", emergency.pk):
        raise ValidationError(_why_undecidable(emergency))
    about = replace(record, matter=emergency.matter_id)
    log.append(
        EmergencyRefused(object=emergency.person.public_id, emergency=emergency.pk), context=about
    )


@transaction.atomic
def end(record: Context, emergency: Emergency) -> None:
    """Close it before its time. Raises ValidationError when it is not open."""
    # Written first: what is done under break-glass says so, and its end is the last of it.
    log.append(
        EmergencyEnded(object=emergency.person.public_id, emergency=emergency.pk, way="early"),
        context=replace(record, matter=emergency.matter_id),
    )
    if not _asked_the_database("select auth.end_emergency(%s)", emergency.pk):
        raise ValidationError("This access is not open any more.")


@transaction.atomic
def review(record: Context, emergency: Emergency, *, verdict: str, text: str) -> None:
    """Close the review of a break-glass that has ended.

    Raises ValidationError for whoever asked or decided, and while it is open.
    """
    if verdict not in list(Verdict):
        raise ValidationError("Choose what the review found.")
    text = _worded(text, "Say what you looked at and what you found")
    kept = log.commitment(text)
    if not _asked_the_database(
        "select auth.review_emergency(%s, %s, %s, %s)", emergency.pk, verdict, text, kept.nonce
    ):
        raise ValidationError(
            "This review is not yours to close: it is closed by a privacy officer who neither "
            "asked nor decided, once the access has ended, and once only."
        )
    event = EmergencyReviewed(
        object=emergency.person.public_id,
        emergency=emergency.pk,
        verdict=Verdict(verdict).value,
        reason=kept.digest,
    )
    about = replace(record, matter=emergency.matter_id)
    log.append(event, context=about, content={"reason": text})


@transaction.atomic
def settle() -> int:
    """Put on record what the clock has ended, each once; returns how many. Needs nobody entered."""
    with connection.cursor() as cursor:
        cursor.execute("select * from auth.settle_emergencies()")
        settled = cursor.fetchall()
    for emergency_id, person, matter, way in settled:
        event = (
            EmergencyEnded(object=person, emergency=emergency_id, way=way)
            if way
            else EmergencyOverdue(object=person, emergency=emergency_id)
        )
        log.append(event, context=Context(matter=matter))
    return len(settled)


def matters_decided() -> dict[UUID, str]:
    """How the matters of break-glass are called, for those who decide about it."""
    with connection.cursor() as cursor:
        cursor.execute("select matter, reference, name from auth.emergency_matters()")
        return {matter: f"{reference}, {name}" for matter, reference, name in cursor.fetchall()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadUnder:
    """An event of what was done under a break-glass."""

    at: datetime
    type: str
    actor: UUID | None
    object: UUID | None
    matter: UUID | None
    fields: dict[str, Any]


def read_under(emergency: Emergency) -> Sequence[ReadUnder]:
    """What was read under it, for privacy officers: references, no content."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select at, type, actor, object, matter, fields from auth.read_in_emergency(%s)",
            [emergency.pk],
        )
        return [
            ReadUnder(
                at=at,
                type=kind,
                actor=actor,
                object=about,
                matter=matter,
                fields=json.loads(fields),
            )
            for at, kind, actor, about, matter, fields in cursor.fetchall()
        ]


def checked(text: str, why: str, minutes: int) -> str:
    """The text of a request without outer blanks; raises ValidationError for what is missing."""
    if why not in list(Why):
        raise ValidationError("Choose a reason.")
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise ValidationError(f"Ask for 1 to {LONGEST_MINUTES} minutes.")
    return _worded(text, "Say why you need it")


def _worded(text: str, demand: str) -> str:
    text = text.strip()
    if len(text) < FEWEST_CHARACTERS:
        raise ValidationError(f"{demand}, in {FEWEST_CHARACTERS} characters or more.")
    if len(text) > MOST_CHARACTERS:
        raise ValidationError(f"Use at most {MOST_CHARACTERS} characters.")
    return text


def _why_undecidable(emergency: Emergency) -> str:
    if emergency.approved_at or emergency.refused_at:
        return "Somebody has decided this already."
    if emergency.asked_at < timezone.now() - EMERGENCY_DECIDED_WITHIN:
        return "Nobody decided this within a day, so it has lapsed."
    return "This is not yours to decide, or a barrier stands in its way."


def _asked_the_database(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
