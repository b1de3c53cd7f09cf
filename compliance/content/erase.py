"""Erase recorded content by destroying its keys. Two people, and what must be kept is kept.

    ask        a privacy officer, with a reason   event erasure.asked
    approve    an auditor                         event erasure.approved, and the list of events
    carry_out  the same auditor                   keys destroyed, event erasure.done, certificate

Each is a transaction of its own. A privacy officer opens break-glass, so no privacy officer alone
takes content out of the record, and an auditor, who opens nothing, alone does not either. After
`approve` the list stands. A crash between destroying and `erasure.done` leaves the erasure approved
and not done: `carry_out` again finds the keys gone and writes what is missing.

The events, their ciphertexts and all digests stay, so the record verifies as before.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from compliance import canonical, log
from compliance.content import covered
from compliance.content.covered import Scope, Target
from compliance.content.holds import one_at_a_time
from compliance.content.reasons import written
from compliance.events import (
    ContentErased,
    Context,
    Digest,
    ErasureApproved,
    ErasureAsked,
    ErasureRefused,
)
from compliance.keeping import key_ring
from compliance.models import Erasure
from compliance.shape import ComplianceError


class ErasureNotDone(ComplianceError):
    """Nothing was erased; the message says why. It is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _No:
    """Why an erasure may not be: a word for the record, a sentence for the person."""

    word: str
    sentence: str
    hold: UUID | None = None


def ask(record: Context, *, scope: Scope, target: UUID, reason: str) -> Erasure:
    """Ask for content to be erased. Raises ErasureNotDone, and ValidationError for the reason."""
    reason = written(reason)
    if record.actor is None:
        raise ValidationError("An erasure is asked for by a person.")
    wanted = Target(scope=scope, id=target, erasure=uuid4())
    found = covered.extent(wanted)
    _refuse_if(record, wanted, _against_asking(wanted, found), known=False)
    with transaction.atomic():
        log.append(
            ErasureAsked(
                object=wanted.erasure, scope=scope.value, target=target, events=found.events
            ),
            context=_about(record, wanted),
            content={"reason": reason},
        )
        return Erasure.objects.create(
            id=wanted.erasure,
            scope=scope.value,
            target=target,
            asked_by=record.actor,
            asked_at=timezone.now(),
        )


def approve(record: Context, erasure_id: UUID) -> Erasure:
    """Agree to an erasure, and write down what it covers. Raises ErasureNotDone."""
    erasure = _open_erasure(erasure_id)
    wanted = _target(erasure)
    with transaction.atomic():
        one_at_a_time()
        found = covered.extent(wanted)
        no = _against_approving(record, erasure) or _against(wanted, found)
        if no is None:
            covered.cover(wanted)
            log.append(
                ErasureApproved(
                    object=erasure.id,
                    scope=erasure.scope,
                    target=erasure.target,
                    asked_by=erasure.asked_by,
                    events=found.events,
                    covers=Digest(covered.digest_of(wanted)),
                ),
                context=_about(record, wanted),
            )
            Erasure.objects.filter(pk=erasure.id).update(
                approved_by=record.actor, approved_at=timezone.now()
            )
            erasure.refresh_from_db()
    _refuse_if(record, wanted, no)
    return erasure


def carry_out(record: Context, erasure_id: UUID) -> Erasure:
    """Destroy the keys of what was approved, and certify it. Safe to repeat after a crash.

    Raises ErasureNotDone when it is not this person's, or a hold has come since, and
    KeysUnavailable when the store does not answer: then it is approved still and not done.
    """
    erasure = _open_erasure(erasure_id)
    wanted = _target(erasure)
    with transaction.atomic():
        # A hold is placed before this, and seen, or after it, when the keys are gone already.
        one_at_a_time()
        no = _against_carrying_out(record, erasure) or _held(wanted)
        if no is None:
            _destroy(record, erasure, wanted)
            erasure.refresh_from_db()
    _refuse_if(record, wanted, no)
    return erasure


def waiting() -> list[Erasure]:
    """Erasures that were asked for and are not done, the oldest first."""
    return list(Erasure.objects.filter(done_at__isnull=True).order_by("asked_at"))


def _destroy(record: Context, erasure: Erasure, wanted: Target) -> None:
    keys = list(covered.keys_of(wanted))
    destroyed = key_ring().store.destroy(keys)
    certificate = _certificate(record, erasure, wanted, len(keys), destroyed)
    covers = covered.digest_of(wanted)
    log.append(
        ContentErased(
            object=erasure.id,
            scope=erasure.scope,
            target=erasure.target,
            asked_by=erasure.asked_by,
            events=len(keys),
            destroyed=destroyed,
            gone=len(keys) - destroyed,
            covers=Digest(covers),
            certificate=Digest(hashlib.sha256(certificate.encode()).hexdigest()),
        ),
        context=_about(record, wanted),
    )
    Erasure.objects.filter(pk=erasure.id).update(
        approved_by=record.actor, done_at=timezone.now(), certificate=certificate
    )


def _certificate(
    record: Context, erasure: Erasure, wanted: Target, keys: int, destroyed: int
) -> str:
    """What was erased, by whom, and what is left elsewhere, as one line of canonical JSON."""
    return canonical.encode(
        {
            "v": 1,
            "erasure": str(erasure.id),
            "scope": erasure.scope,
            "target": str(erasure.target),
            "asked_by": str(erasure.asked_by),
            "asked_at": _time(erasure.asked_at),
            "approved_by": str(record.actor),
            "erased_at": _time(timezone.now()),
            "events": keys,
            "keys_destroyed": destroyed,
            "keys_gone_before": keys - destroyed,
            "covers": covered.digest_of(wanted),
            "remains_elsewhere": covered.remains_of(wanted),
        }
    ).decode()


def _against_asking(wanted: Target, found: covered.Extent) -> _No | None:
    if not _has_role("privacy_officer"):
        return _No(word="wrong_role", sentence="Privacy officers ask for content to be erased.")
    return _against(wanted, found)


def _against_approving(record: Context, erasure: Erasure) -> _No | None:
    if not _has_role("auditor"):
        return _No(word="wrong_role", sentence="An erasure is approved by an auditor.")
    if erasure.asked_by == record.actor:
        return _No(word="same_person", sentence="Whoever asked does not approve.")
    return None


def _against_carrying_out(record: Context, erasure: Erasure) -> _No | None:
    if erasure.approved_at is None:
        return _No(word="not_approved", sentence="This erasure has not been approved.")
    if erasure.approved_by != record.actor or not _has_role("auditor"):
        return _No(
            word="not_the_approver",
            sentence="Whoever approved it carries it out. Another auditor approves it anew.",
        )
    return None


def _against(wanted: Target, found: covered.Extent) -> _No | None:
    """What stands against erasing this now."""
    if not found.events or found.last is None:
        return _No(word="nothing_there", sentence="There is no recorded content to erase.")
    until = covered.kept_until(found.last)
    if until is not None:
        return _No(
            word="duty_to_keep",
            sentence=f"A duty to keep runs until {until:%Y-%m-%d %H:%M} UTC for some of it.",
        )
    return _held(wanted)


def _held(wanted: Target) -> _No | None:
    held = covered.hold_on(wanted)
    if held is None:
        return None
    return _No(
        word="on_hold", sentence=f"The hold “{held[1]}” keeps some of it.", hold=held[0]
    )


def _refuse_if(record: Context, wanted: Target, no: _No | None, *, known: bool = True) -> None:
    """Record why there is no erasure, and raise it. `known`: the erasure has been asked for."""
    if no is None:
        return
    refused = ErasureRefused(
        object=wanted.erasure if known else None,
        reason=no.word,
        scope=wanted.scope.value,
        target=wanted.id,
        hold=no.hold,
    )
    log.append_alone(refused, context=_about(record, wanted))
    raise ErasureNotDone(f"Nothing was erased. {no.sentence}")


def _open_erasure(erasure_id: UUID) -> Erasure:
    erasure = Erasure.objects.filter(pk=erasure_id, done_at__isnull=True).first()
    if erasure is None:
        raise ErasureNotDone("There is no such erasure that waits, or it is not yours to see.")
    return erasure


def _target(erasure: Erasure) -> Target:
    return Target(scope=Scope(erasure.scope), id=erasure.target, erasure=erasure.id)


def _about(record: Context, wanted: Target) -> Context:
    return replace(record, matter=wanted.id) if wanted.scope is Scope.MATTER else record


def _has_role(role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth.has_role(%s)", [role])
        (has,) = cursor.fetchone()
    return bool(has)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
