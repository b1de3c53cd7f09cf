"""Groups that the house's directory keeps here, their members, and the roles that follow."""

from collections.abc import Iterable

from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts.directory import accounts
from assistant.accounts.directory.accounts import SIGNIN
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Rules, rules_of
from assistant.accounts.directory.provisioning import Conflict, Taken, Unknown, uuid_of
from assistant.accounts.models import Group, GroupMember, User
from assistant.config import get_config
from compliance import log
from compliance.events import (
    Context,
    GroupCreated,
    GroupDeleted,
    GroupJoined,
    GroupLeft,
    GroupRenamed,
)


def groups() -> QuerySet[Group]:
    """All groups, the oldest first."""
    kept = Group.objects.using(SIGNIN).prefetch_related("members__user")
    return kept.order_by("created_at", "id")


def group(group_id: str) -> Group:
    """The group of this id; raises Unknown."""
    found = groups().filter(id=uuid_of(group_id)).first()
    if found is None:
        raise Unknown("There is no such group.")
    return found


def add(
    record: Context, *, name: str, external_id: str | None, members: Iterable[User]
) -> Group:
    """Make a group with these members; raises Taken or Conflict."""
    made = Group(name=name, external_id=external_id)
    log.append(GroupCreated(object=made.id), context=record, using=SIGNIN)
    _save(made)
    _set_members(record, made, members)
    return group(str(made.id))


def change(
    record: Context,
    kept: Group,
    *,
    name: str,
    external_id: str | None,
    members: Iterable[User],
) -> Group:
    """Give a group this name and exactly these members; raises Taken or Conflict."""
    if (name, external_id) != (kept.name, kept.external_id):
        affected = [place.user for place in kept.members.all()]
        log.append(GroupRenamed(object=kept.id), context=record, using=SIGNIN)
        kept.name, kept.external_id = name, external_id
        _save(kept)
        _follow_roles(record, affected)
    _set_members(record, kept, members)
    return group(str(kept.id))


def remove(record: Context, kept: Group) -> None:
    """End a group and all places in it; raises Conflict.

    What it was let into is closed to it. Walls against it stand against its people from then on.
    """
    affected = [place.user for place in kept.members.all()]
    gone = GroupDeleted(object=kept.id, members=len(affected))
    log.append(gone, context=record, using=SIGNIN)
    with connections[SIGNIN].cursor() as cursor:
        cursor.execute("select auth.part_with_group(%s)", [kept.id])
    kept.delete(using=SIGNIN)
    _follow_roles(record, affected)


def _save(changed: Group) -> None:
    try:
        with transaction.atomic(using=SIGNIN):
            changed.save(using=SIGNIN)
    except IntegrityError as error:
        raise Taken("That externalId belongs to another group.") from error


def _set_members(record: Context, kept: Group, wanted: Iterable[User]) -> None:
    places = GroupMember.objects.using(SIGNIN).filter(group=kept).select_related("user")
    now = {place.user_id: place for place in places}
    members = {user.pk: user for user in wanted}
    leaving = [place.user for user_id, place in now.items() if user_id not in members]
    joining = [user for user_id, user in members.items() if user_id not in now]
    for user in leaving:
        left = GroupLeft(object=user.public_id, group=kept.id)
        log.append(left, context=record, using=SIGNIN)
        now[user.pk].delete(using=SIGNIN)
    for user in joining:
        joined = GroupJoined(object=user.public_id, group=kept.id)
        log.append(joined, context=record, using=SIGNIN)
        GroupMember.objects.using(SIGNIN).create(group=kept, user=user)
    if leaving or joining:
        Group.objects.using(SIGNIN).filter(pk=kept.pk).update(changed_at=timezone.now())
        _follow_roles(record, [*leaving, *joining])


def _follow_roles(record: Context, affected: Iterable[User]) -> None:
    """Give people the roles of the groups they are in now, where groups give roles at all."""
    rules = rules_of(get_config())
    if not rules.roles:
        return
    for user in affected:
        _follow_roles_of(record, user, rules)


def _follow_roles_of(record: Context, user: User, rules: Rules) -> None:
    places = GroupMember.objects.using(SIGNIN).filter(user=user).select_related("group")
    names = [
        name
        for place in places
        for name in (place.group.name, place.group.external_id)
        if name is not None
    ]
    try:
        accounts.set_roles(record, user, rules.roles_for(names))
    except SignOnRefused as refused:
        raise Conflict(
            "A member would hold roles that nobody may hold together, or be administrator and in "
            "a matter. Give them a second account."
        ) from refused
