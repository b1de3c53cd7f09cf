"""Walls, seals and restricted lists: denials that beat whatever else lets somebody in.

A wall keeps those it names out. A seal (of a court, of counsel) and a restricted list keep out
everybody but those they name. A barrier stands around a matter, all matters of a client, one
document, or each document that speaks of a listed name; it holds from the next query on, in every
session. Privacy officers raise and lift barriers in their own session (`OFFICER`), the operator on
the host as the role that owns the tables (`OPERATOR`). No other can do either.
"""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, F
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import Barrier, BarrierSubject, Kind, Matter
from assistant.access.upkeep import OWNER
from assistant.accounts.models import Group, User
from compliance import log
from compliance.events import BarrierLifted, BarrierRaised, BarriersRead, Context

OFFICER, OPERATOR = DEFAULT_DB_ALIAS, OWNER
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A barrier that may be raised: one place to stand around, and whom it names."""

    kind: Kind
    matter: UUID | None = None
    client: UUID | None = None
    document: UUID | None = None
    names: tuple[str, ...] = ()
    people: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a person would lose: so many documents of a matter, or the `whole` matter."""

    person: str
    username: str
    reference: str
    documents: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Whom a barrier would close out of what, and the matters that would be left without a lead."""

    closed: tuple[Closed, ...]
    leaderless: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterName:
    """A matter as those see it who put barriers around it: named, with nothing that is in it."""

    id: UUID
    reference: str
    name: str
    client: UUID | None
    client_name: str


def effect(draft: Draft, *, using: str = OFFICER) -> Effect:
    """Whom the barrier would close out of what, if it were raised now; changes nothing.

    Raises ValidationError when the draft is no barrier.
    """
    _check(draft)
    name = "barrier_effect" if using == OFFICER else "effect_of_barrier"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"select auth.{name}(%s, %s, %s, %s, %s::text[], %s::bigint[], %s::uuid[])::text",
            [
                draft.kind.value,
                draft.matter,
                draft.client,
                draft.document,
                list(draft.names),
                [person.pk for person in draft.people],
                [group.pk for group in draft.groups],
            ],
        )
        found: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return Effect(
        closed=tuple(
            Closed(
                person=row["name"],
                username=row["username"],
                reference=row["reference"],
                documents=row["documents"],
                whole=row["whole"],
            )
            for row in found["closed"]
        ),
        leaderless=tuple(found["leaderless"]),
    )


def raise_barrier(
    record: Context,
    draft: Draft,
    *,
    reason: str,
    by: User | None = None,
    leave_without_lead: bool = False,
    using: str = OFFICER,
) -> Barrier:
    """Close what the draft says. Raises ValidationError when it is no barrier or has no reason.

    So it does when a matter would be left without a lead, unless that is wanted: nobody could
    then say who is a member.
    """
    kept = log.commitment(_given(reason))
    with transaction.atomic(using=using):
        _hold(using)
        foreseen = effect(draft, using=using)
        if foreseen.leaderless and not leave_without_lead:
            raise ValidationError(
                f"{', '.join(foreseen.leaderless)} would be left without a lead, and nobody could "
                "say who is a member. Have somebody else made lead first, or leave it without one "
                "on purpose."
            )
        barrier = Barrier(
            kind=draft.kind,
            matter_id=draft.matter,
            client_id=draft.client,
            document_id=draft.document,
            names=list(draft.names),
            reason=reason.strip(),
            reason_nonce=kept.nonce,
            raised_by=by,
        )
        log.append(
            _raised(barrier, draft, kept),
            context=replace(record, matter=draft.matter),
            using=using,
            content={"reason": barrier.reason, "names": "\n".join(draft.names)},
        )
        _store(barrier, draft, using)
        return barrier


def _raised(barrier: Barrier, draft: Draft, kept: log.Commitment) -> BarrierRaised:
    return BarrierRaised(
        object=barrier.id,
        kind=draft.kind.value,
        people=tuple(person.public_id for person in draft.people),
        groups=tuple(group.id for group in draft.groups),
        client=draft.client,
        document=draft.document,
        names=log.commitment("\n".join(draft.names)).digest if draft.names else None,
        reason=kept.digest,
    )


def _store(barrier: Barrier, draft: Draft, using: str) -> None:
    barrier.save(using=using, force_insert=True)
    BarrierSubject.objects.using(using).bulk_create(
        [BarrierSubject(barrier=barrier, user=person) for person in draft.people]
        + [BarrierSubject(barrier=barrier, group=group) for group in draft.groups]
    )


def lift_barrier(
    record: Context,
    barrier_id: UUID,
    *,
    reason: str,
    by: User | None = None,
    using: str = OFFICER,
) -> Barrier:
    """Let permissions hold again. Raises Missing when no such barrier stands.

    Raises ValidationError for a wall that keeps out whoever would lift it.
    """
    kept = log.commitment(_given(reason))
    with transaction.atomic(using=using):
        barrier = (
            Barrier.objects.using(using)
            .prefetch_related("subjects__user")
            .filter(pk=barrier_id, lifted_at__isnull=True)
            .first()
        )
        if barrier is None:
            raise Missing
        people = tuple(s.user.public_id for s in barrier.subjects.all() if s.user is not None)
        event = BarrierLifted(
            object=barrier.id, kind=barrier.kind, people=people, reason=kept.digest
        )
        about = replace(record, matter=barrier.matter_id)
        log.append(event, context=about, using=using, content={"reason": reason.strip()})
        standing = Barrier.objects.using(using).filter(pk=barrier.pk, lifted_at__isnull=True)
        lifted = standing.update(
            lift_reason=reason.strip(),
            lift_nonce=kept.nonce,
            lifted_by=by,
            lifted_at=timezone.now(),
        )
        if not lifted:
            raise ValidationError("This wall keeps you out, so somebody else has to lift it.")
        barrier.refresh_from_db(using=using)
        return barrier


def barriers(record: Context, *, using: str = OFFICER) -> list[Barrier]:
    """All barriers, those that stand first; that they are shown is recorded before."""
    found: list[Barrier] = list(
        Barrier.objects.using(using)
        .select_related("raised_by", "lifted_by", "client")
        .prefetch_related("subjects__user", "subjects__group")
        .order_by(F("lifted_at").desc(nulls_first=True), "-raised_at")
    )
    with transaction.atomic(using=using):
        log.append(BarriersRead(shown=len(found)), context=record, using=using)
    return found


def matter_names() -> list[MatterName]:
    """All matters by name, for a privacy officer who is entered; nothing for anybody else."""
    with connections[OFFICER].cursor() as cursor:
        cursor.execute("select id, reference, name, client, client_name from"
                       " auth.matters_for_officer()")
        return [
            MatterName(id=row[0], reference=row[1], name=row[2], client=row[3],
                       client_name=row[4] or "")
            for row in cursor.fetchall()
        ]


def wall_between(matter_id: UUID, person: User, *, using: str = OPERATOR) -> Barrier | None:
    """The wall that stands between one person and a matter, if one does."""
    return (
        Barrier.objects.using(using)
        .filter(
            kind=Kind.WALL, matter_id=matter_id, lifted_at__isnull=True, subjects__user=person
        )
        .annotate(named=Count("subjects__barrier__subjects"))
        .filter(named=1)
        .first()
    )


def matter_id_of(name: str) -> UUID:
    """The id of the matter with this id or reference, as the operator sees it; raises Missing.

    Where owner and application share one database role, only the id is known here: the role sees
    no matter's reference unless it acts for a member.
    """
    try:
        wanted = UUID(name)
    except ValueError:
        found = list(
            Matter.objects.using(OWNER)
            .filter(reference__iexact=name.strip())
            .values_list("pk", flat=True)[:2]
        )
        if len(found) > 1:
            raise ValidationError(
                f"More than one matter is called {name}. Give its id instead."
            ) from None
        if not found:
            raise Missing from None
        return found[0]
    with connections[OWNER].cursor() as cursor:
        cursor.execute("select 1 from auth.acl_group where matter = %s", [wanted])
        if cursor.fetchone() is None:
            raise Missing
    return wanted


def names_in(text: str) -> tuple[str, ...]:
    """The names of a restricted list, one a line; raises ValidationError for one too long."""
    names = tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines()))
    names = tuple(name for name in names if name)
    if any(len(name) > LONGEST_NAME or len(name) < 3 for name in names):
        raise ValidationError(f"A listed name has between 3 and {LONGEST_NAME} characters.")
    return names


def _check(draft: Draft) -> None:
    places = [draft.matter, draft.client, draft.document, draft.names or None]
    if sum(place is not None for place in places) != 1:
        raise ValidationError(
            "Say what the barrier stands around: one matter, one client, one document, or names."
        )
    if draft.kind is Kind.WALL and not draft.people and not draft.groups:
        raise ValidationError("Say whom the wall keeps out: people or groups.")


def _hold(using: str) -> None:
    """Of two barriers at once, the second must see the first: what is left counts them both."""
    with connections[using].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('cloister.barriers', 0))")


def _given(reason: str) -> str:
    if not reason.strip():
        raise ValidationError("Say why: the reason is kept with the barrier.")
    return reason.strip()
