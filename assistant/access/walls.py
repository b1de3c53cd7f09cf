"""Ethical walls: what keeps a person out of a matter, whatever else lets them in.

The operator on the host raises and lifts them as the role that owns the tables; the application's
role can do neither. A wall holds from the next query on, in every session the person has.
"""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import Matter, Barrier as Wall
from assistant.access.upkeep import OWNER
from assistant.accounts.models import User
from compliance import log
from compliance.events import Context, WallLifted, WallRaised


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


def raise_wall(
    matter_id: UUID,
    person: User,
    *,
    reason: str,
    by: User | None = None,
    leave_without_lead: bool = False,
) -> Wall:
    """Keep a person out of a matter.

    Raises ValidationError when a wall stands already, and when it would leave the matter without
    a lead unless that is wanted: nobody could then say who is a member.
    """
    kept = log.commitment(_given(reason))
    with transaction.atomic(using=OWNER):
        if _standing(matter_id, person) is not None:
            raise ValidationError(f"A wall between {person} and this matter stands already.")
        if not leave_without_lead and _is_last_lead(matter_id, person):
            raise ValidationError(
                f"{person} is the only lead of this matter. Have somebody else made lead first, "
                "or leave it without a lead on purpose with --leave-without-lead."
            )
        log.append(
            WallRaised(object=person.public_id, reason=kept.digest),
            context=_context(matter_id, by),
            using=OWNER,
        )
        return Wall.objects.using(OWNER).create(
            matter_id=matter_id,
            user=person,
            reason=reason.strip(),
            reason_nonce=kept.nonce,
            raised_by=by,
        )


def lift_wall(matter_id: UUID, person: User, *, reason: str, by: User | None = None) -> Wall:
    """Let a person's permissions hold again. Raises ValidationError when no wall stands."""
    kept = log.commitment(_given(reason))
    with transaction.atomic(using=OWNER):
        wall = _standing(matter_id, person)
        if wall is None:
            raise ValidationError(f"No wall stands between {person} and this matter.")
        log.append(
            WallLifted(object=person.public_id, reason=kept.digest),
            context=_context(matter_id, by),
            using=OWNER,
        )
        wall.lift_reason, wall.lift_nonce = reason.strip(), kept.nonce
        wall.lifted_at = timezone.now()
        wall.save(using=OWNER, update_fields=["lift_reason", "lift_nonce", "lifted_at"])
        return wall


def _standing(matter_id: UUID, person: User) -> Wall | None:
    return (
        Wall.objects.using(OWNER)
        .select_for_update()
        .filter(matter_id=matter_id, user=person, lifted_at__isnull=True)
        .first()
    )


def _is_last_lead(matter_id: UUID, person: User) -> bool:
    """Whether the person leads the matter and nobody else does who can sign in and see it."""
    with connections[OWNER].cursor() as cursor:
        # Held until the end: of two walls at once, the second must see the first.
        cursor.execute("select 1 from auth.acl_group where matter = %s for update", [matter_id])
        cursor.execute(
            "select m.uid from auth.member m where m.matter = %s and m.leads and not exists"
            " (select 1 from auth.wall w where w.matter = m.matter and w.uid = m.uid)",
            [matter_id],
        )
        leading = {uid for (uid,) in cursor.fetchall()}
    others = User.objects.using(OWNER).filter(pk__in=leading - {person.pk}, is_active=True)
    return person.pk in leading and not others.exists()


def _given(reason: str) -> str:
    if not reason.strip():
        raise ValidationError("Say why: the reason is kept with the wall.")
    return reason.strip()


def _context(matter_id: UUID, by: User | None) -> Context:
    return Context(actor=by.public_id if by else None, matter=matter_id)
