"""Matters and who is in them. All verbs run as the person who is entered."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BooleanField, Count, F, Func, Q
from django.db.models.expressions import RawSQL

from assistant.access.errors import Missing
from assistant.access.models import Level, Matter, Membership
from assistant.accounts.models import Role, User
from assistant.accounts.people import PURPOSE
from compliance import log
from compliance.events import Context, MatterCreated, MatterRenamed, MemberAdded, MemberRemoved


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterSummary:
    """A matter as lists show it."""

    id: UUID
    reference: str
    name: str
    documents: int
    members: int
    level: str


def _sees() -> Func:
    """The condition on memberships that their people see the matter.

    A member behind a wall does not, and no list names them.
    """
    return Func(
        F("user_id"),
        F("matter_id"),
        function="auth.sees",
        output_field=BooleanField(),
    )


def my_matters(user: User) -> list[MatterSummary]:
    """The matters the person is a member of, with what they hold."""
    found = Matter.objects.annotate(
        held=Count(
            "documents",
            filter=Q(documents__deleted_at__isnull=True, documents__live_version__isnull=False),
            distinct=True,
        ),
        people=RawSQL('(select count(*) from auth.people_in("access_matter"."id"))', ()),
    ).order_by("reference", "name")
    levels = dict(Membership.objects.filter(user=user).values_list("matter_id", "level"))
    return [
        MatterSummary(
            id=matter.id,
            reference=matter.reference,
            name=matter.name,
            documents=matter.held,
            members=matter.people,
            level=levels.get(matter.id, Level.MEMBER),
        )
        for matter in found
    ]


def matter_for(matter_id: UUID) -> Matter:
    """The matter of this id, if the person may see it; raises Missing otherwise."""
    try:
        return Matter.objects.get(pk=matter_id)
    except Matter.DoesNotExist as error:
        raise Missing from error


def matter_named(name: str) -> Matter:
    """The matter with this reference or id, among those the person may see.

    Raises Missing when there is none, ValidationError when the reference fits several.
    """
    try:
        return matter_for(UUID(name))
    except ValueError:
        pass
    found = list(Matter.objects.filter(reference__iexact=name.strip())[:2])
    if not found:
        raise Missing
    if len(found) > 1:
        raise ValidationError(f"More than one matter is called {name}. Give its id instead.")
    return found[0]


def members_of(matter: Matter) -> list[Membership]:
    """Who is in the matter and sees it, leads first."""
    return list(
        matter.memberships.filter(_sees())
        .select_related("user")
        .order_by("level", "user__display_name")
    )


def people_who_see(matter_id: UUID) -> list[User]:
    """Everybody who sees the matter, as a member or in a team, by name."""
    people = RawSQL("select auth.people_in(%s)", [matter_id])
    return list(User.objects.filter(pk__in=people).order_by("display_name"))


def may_change(matter_id: UUID) -> bool:
    """Whether the person sees the matter by a right of their own: break-glass only reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select get_bit(auth.own_bits(), auth.group_of(%s)) = 1", [matter_id]
        )
        (answer,) = cursor.fetchone()
    return bool(answer)


def matter_to_change(matter_id: UUID) -> Matter:
    """The matter, if the person may change what is in it; raises Missing otherwise."""
    if not may_change(matter_id):
        raise Missing
    return matter_for(matter_id)


def leads(matter: Matter) -> bool:
    """Whether the person may say who is a member."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.leads(%s)", [matter.id])
        (answer,) = cursor.fetchone()
    return bool(answer)


def create_matter(record: Context, user: User, *, reference: str, name: str) -> Matter:
    """Open a matter with its creator as lead. Needs the role of knowledge manager."""
    reference, name = _named(reference, name)
    matter = Matter(reference=reference, name=name, created_by=user)
    log.append(
        MatterCreated(object=matter.id),
        context=replace(record, matter=matter.id),
        content={"reference": reference, "name": name},
    )
    matter.save(force_insert=True)
    Membership.objects.create(matter=matter, user=user, level=Level.LEAD, added_by=user)
    return Matter.objects.get(pk=matter.pk)


def rename_matter(record: Context, matter: Matter, *, reference: str, name: str) -> None:
    """Change how the matter is called. Only its leads may."""
    _only_leads(matter)
    matter.reference, matter.name = _named(reference, name)
    log.append(
        MatterRenamed(object=matter.id),
        context=replace(record, matter=matter.id),
        content={"reference": matter.reference, "name": matter.name},
    )
    matter.save(update_fields=["reference", "name"])


def add_member(record: Context, matter: Matter, by: User, *, username: str, level: str) -> None:
    """Let somebody into the matter, or change their level. Only its leads may."""
    _only_leads(matter)
    person = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if person is None:
        raise ValidationError(f"There is no active account called {username.strip()}.")
    if level not in list(Level):
        raise ValidationError("Choose lead or member.")
    _keep_roles_apart(person, level)
    _keep_a_lead(matter, without=person if level != Level.LEAD else None)
    added = MemberAdded(object=person.public_id, level=level)
    log.append(added, context=replace(record, matter=matter.id))
    Membership.objects.update_or_create(
        matter=matter, user=person, defaults={"level": level}, create_defaults={
            "level": level, "added_by": by,
        },
    )


def remove_member(record: Context, matter: Matter, *, user_public_id: UUID) -> None:
    """Take somebody out of the matter; from the next query on they see nothing of it."""
    _only_leads(matter)
    place = matter.memberships.filter(user__public_id=user_public_id).select_related("user").first()
    if place is None:
        raise Missing
    _keep_a_lead(matter, without=place.user)
    log.append(MemberRemoved(object=user_public_id), context=replace(record, matter=matter.id))
    place.delete()


def purposes_in(words: Iterable[str]) -> tuple[str, ...]:
    """Purposes in order, each once: lower-case words. Raises ValidationError for anything else."""
    found = tuple(sorted({word.strip().lower() for word in words if word.strip()}))
    if any(not PURPOSE.fullmatch(word) for word in found):
        raise ValidationError(
            "A purpose is a word of small letters, with _ where it has several: deal_team."
        )
    return found


def _named(reference: str, name: str) -> tuple[str, str]:
    reference, name = reference.strip(), name.strip()
    if not reference or not name:
        raise ValidationError("Give the matter a reference and a name.")
    if len(reference) > 60 or len(name) > 200:
        raise ValidationError("A reference has at most 60 characters, a name at most 200.")
    return reference, name


def _only_leads(matter: Matter) -> None:
    if not leads(matter):
        raise Missing


def _keep_roles_apart(person: User, level: str) -> None:
    if person.has_role(Role.ADMINISTRATOR):
        raise ValidationError(
            f"{person.username} is an administrator's account, which is in no matter."
        )
    if level == Level.LEAD and person.has_role(Role.AUDITOR):
        raise ValidationError(
            f"{person.username} is an auditor. Who keeps the record does not decide who is let in."
        )


def _keep_a_lead(matter: Matter, *, without: User | None) -> None:
    if without is None:
        return
    # A lead behind a wall cannot lead.
    others = matter.memberships.filter(_sees(), level=Level.LEAD).exclude(user=without)
    leading = matter.memberships.filter(level=Level.LEAD, user=without)
    if leading.exists() and not others.exists():
        raise ValidationError("A matter keeps at least one lead. Make somebody else lead first.")
