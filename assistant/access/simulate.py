"""What a change of rules would do, before it is made. Nothing here changes anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from assistant.access.history import Finding, column, finding_of, rights_version, world_in
from assistant.access.rules import Document, World
from assistant.access.rules.changes import (
    Account,
    Change,
    Grant,
    GroupPlace,
    Labels,
    Lift,
    MatterClient,
    MemberPlace,
    Raise,
    TeamPlace,
)
from compliance import log
from compliance.events import ChangeTried, Context

WORDS = {
    MemberPlace: "member",
    TeamPlace: "team",
    GroupPlace: "group",
    Grant: "grant",
    Labels: "labels",
    Account: "account",
    MatterClient: "client",
    Raise: "raise_barrier",
    Lift: "lift_barrier",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changes for one person in one matter: the documents, and why, by the first of them."""

    person: int
    matter: UUID
    gains: tuple[UUID, ...]
    loses: tuple[UUID, ...]
    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Everybody whom the change would touch, judged by the rules of `version` at this time."""

    at: datetime
    version: int
    differences: Sequence[Difference]


def simulate(
    record: Context,
    change: Change,
    *,
    at: datetime,
    names: tuple[str, ...] = (),
    using: str = DEFAULT_DB_ALIAS,
) -> Foreseen:
    """Who would gain and who would lose what. `names` are those of a restricted list to be raised.

    To be called in a transaction, since trying is an event.
    """
    version = rights_version(using)
    log.append(
        ChangeTried(
            object=_object(change),
            change=WORDS[type(change)],
            barrier=change.barrier if isinstance(change, Lift) else None,
            rights_version=version,
        ),
        context=record,
        using=using,
    )
    change, matters = _scope(change, names, at, using)
    before = world_in(matters, people=_people(change, at, using), at=at, using=using)
    return Foreseen(
        at=at,
        version=version,
        differences=list(differences(before, change.applied_to(before), at=at)),
    )


def differences(before: World, after: World, *, at: datetime) -> Iterator[Difference]:
    """The differences between two worlds, by person and matter."""
    kinds = _kinds(before, after)
    for person in sorted(before.people.keys() | after.people.keys()):
        changed: dict[UUID, list[tuple[Finding, Finding, tuple[UUID, ...]]]] = {}
        for alike in kinds:
            was = finding_of(before, person, alike[0], at=at)
            is_then = finding_of(after, person, alike[0], at=at)
            if (was.allowed, was.purposes) != (is_then.allowed, is_then.purposes):
                changed.setdefault(was.matter, []).append((was, is_then, alike))
        for matter, found in sorted(changed.items()):
            yield _difference(person, matter, found)


def _difference(
    person: int, matter: UUID, found: list[tuple[Finding, Finding, tuple[UUID, ...]]]
) -> Difference:
    gains = [each for was, then, alike in found if _wider(then, was) for each in alike]
    loses = [each for was, then, alike in found if not _wider(then, was) for each in alike]
    return Difference(
        person=person,
        matter=matter,
        gains=tuple(sorted(gains)),
        loses=tuple(sorted(loses)),
        before=found[0][0],
        after=found[0][1],
    )


def _wider(one: Finding, other: Finding) -> bool:
    """Whether `one` can be read more freely. No purposes at all means any of them."""
    if one.allowed != other.allowed:
        return one.allowed
    return bool(other.purposes) and (not one.purposes or set(one.purposes) > set(other.purposes))


def _kinds(before: World, after: World) -> list[tuple[UUID, ...]]:
    """Documents in classes that no rule of either world tells apart: one decision for each."""
    alone = {
        emergency.document for world in (before, after) for emergency in world.emergencies.values()
    }
    found: dict[object, list[UUID]] = {}
    for document in before.documents.values():
        if document.is_deleted:
            continue
        key = (
            document.id if document.id in alone else None,
            *(_key(world.documents[document.id], world) for world in (before, after)),
        )
        found.setdefault(key, []).append(document.id)
    return [tuple(sorted(each)) for each in found.values()]


def _key(document: Document, world: World) -> object:
    behind = frozenset(
        barrier.id for barrier in world.barriers.values() if document.id in barrier.documents
    )
    return replace(document, id=document.matter), behind


def _scope(
    change: Change, names: tuple[str, ...], at: datetime, using: str
) -> tuple[Change, list[UUID]]:
    """The matters that a change can touch; of a list of names, the documents that speak of them."""

    def about(
        document: UUID | None = None, client: UUID | None = None, team: UUID | None = None
    ) -> list[UUID]:
        statement = "select auth.matters_about(%s, %s, %s, %s)"
        return column(statement, [at, document, client, team], using)

    match change:
        case MemberPlace() | TeamPlace() | MatterClient():
            return change, [change.matter]
        case Grant() | Labels():
            return change, about(document=change.document)
        case GroupPlace():
            mine = column("select auth.matters_at(%s, %s)", [change.person, at], using)
            return change, sorted({*mine, *about(team=change.group)})
        case Account():
            return change, column("select auth.matters_at(%s, %s)", [change.person, at], using)
        case Lift():
            return change, column("select auth.matters_behind(%s, %s)", [at, change.barrier], using)
        case Raise(barrier=barrier):
            spoken = _speaking(names, using) if names else []
            documents = barrier.documents | {document for document, _ in spoken}
            matters = {matter for _, matter in spoken} | set(about(client=barrier.client))
            matters |= {barrier.matter} if barrier.matter else set()
            for document in barrier.documents:
                matters |= set(about(document=document))
            return Raise(barrier=replace(barrier, documents=documents)), sorted(matters)


def _people(change: Change, at: datetime, using: str) -> list[int]:
    """Whoever the change brings in, since they may be in none of the matters yet."""
    match change:
        case MemberPlace() | GroupPlace() | Account():
            return [change.person]
        case Grant(person=int(person)):
            return [person]
        case TeamPlace():
            return column("select auth.people_in_group(%s, %s)", [at, change.group], using)
        case _:
            return []


def _object(change: Change) -> UUID | None:
    match change:
        case Grant() | Labels():
            return change.document
        case TeamPlace() | MatterClient() | MemberPlace():
            return change.matter
        case GroupPlace():
            return change.group
        case _:
            return None


def _speaking(names: tuple[str, ...], using: str) -> list[tuple[UUID, UUID]]:
    with connections[using].cursor() as cursor:
        cursor.execute("select * from auth.documents_speaking_of(%s)", [list(names)])
        return list(cursor.fetchall())
