"""Whom a matter is for, which teams are in it, and for what purposes it is read."""

from dataclasses import replace
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection

from assistant.access.errors import Missing
from assistant.access.matters import leads, purposes_in
from assistant.access.models import Matter, TeamPlace
from assistant.access.people import named_in
from assistant.accounts.models import Group, Role, User
from compliance import log
from compliance.events import (
    Context,
    MatterClientSet,
    MatterPurposesSet,
    TeamAdded,
    TeamRemoved,
)

LONGEST_CLIENT = 200


def teams_of(matter: Matter) -> list[TeamPlace]:
    """The groups that are in the matter, by name."""
    return list(matter.teams.select_related("group").order_by("group__name"))


def groups() -> list[Group]:
    """All groups that the house's directory knows, by name."""
    return list(Group.objects.order_by("name"))


def add_team(record: Context, matter: Matter, by: User, *, group_id: UUID | str) -> None:
    """Let a group's people into the matter, for as long as they are in the group. Leads may."""
    _only_leads(matter)
    _, (group,) = named_in("", [group_id])
    if TeamPlace.objects.filter(matter=matter, group=group).exists():
        raise ValidationError(f"The group {group.name} is in the matter already.")
    log.append(TeamAdded(object=group.id), context=replace(record, matter=matter.id))
    TeamPlace.objects.create(matter=matter, group=group, added_by=by)


def remove_team(record: Context, matter: Matter, *, group_id: UUID) -> None:
    """Take a group out; those who were in by it alone see nothing from the next query on."""
    _only_leads(matter)
    place = TeamPlace.objects.filter(matter=matter, group_id=group_id).first()
    if place is None:
        raise Missing
    log.append(TeamRemoved(object=group_id), context=replace(record, matter=matter.id))
    place.delete()


def set_client(record: Context, matter: Matter, by: User, *, name: str) -> None:
    """Say whom the matter is for; an empty name takes it back. Its lead may, who manages knowledge.

    Barriers around the client hold for the matter at once.
    """
    _only_leads(matter)
    if not by.has_role(Role.KNOWLEDGE_MANAGER):
        raise ValidationError("Only knowledge managers say whom a matter is for.")
    name = " ".join(name.split())
    if len(name) > LONGEST_CLIENT:
        raise ValidationError(f"A client's name has at most {LONGEST_CLIENT} characters.")
    client = _client_named(name) if name else None
    about = replace(record, matter=matter.id)
    log.append(MatterClientSet(object=client), context=about, content={"client": name})
    matter.client_id = client
    matter.save(update_fields=["client"])


def set_purposes(
    record: Context, matter: Matter, *, purposes: str, opens_in_emergency: bool
) -> None:
    """The purposes its people choose from, a word each, and the rule for break-glass. Leads may."""
    _only_leads(matter)
    words = purposes_in(purposes.replace(",", " ").split())
    log.append(
        MatterPurposesSet(
            object=matter.id, purposes=words, opens_in_emergency=opens_in_emergency
        ),
        context=replace(record, matter=matter.id),
    )
    matter.purposes, matter.opens_in_emergency = list(words), opens_in_emergency
    matter.save(update_fields=["purposes", "opens_in_emergency"])


def _client_named(name: str) -> UUID:
    with connection.cursor() as cursor:
        cursor.execute("select auth.client_named(%s)", [name])
        (client,) = cursor.fetchone()
    found: UUID = client
    return found


def _only_leads(matter: Matter) -> None:
    if not leads(matter):
        raise Missing
