"""Changes of rules that can be tried out: each makes the world as it would be afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from assistant.access.rules.values import Barrier, World

Key = TypeVar("Key")
Value = TypeVar("Value")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlace:
    """A person is put into a matter by name, or taken out."""

    matter: UUID
    person: int
    present: bool

    def applied_to(self, world: World) -> World:
        def change(held: frozenset[int]) -> frozenset[int]:
            return _with(held, self.person, self.present)

        return replace(
            world,
            matters=_at(
                world.matters, self.matter, lambda m: replace(m, members=change(m.members))
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPlace:
    """A group is put into a matter as a team, or taken out."""

    matter: UUID
    group: UUID
    present: bool

    def applied_to(self, world: World) -> World:
        def change(held: frozenset[UUID]) -> frozenset[UUID]:
            return _with(held, self.group, self.present)

        return replace(
            world,
            matters=_at(world.matters, self.matter, lambda m: replace(m, teams=change(m.teams))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlace:
    """A person joins a group of the directory, or leaves it."""

    group: UUID
    person: int
    present: bool

    def applied_to(self, world: World) -> World:
        def change(held: frozenset[UUID]) -> frozenset[UUID]:
            return _with(held, self.group, self.present)

        return replace(
            world,
            people=_at(world.people, self.person, lambda p: replace(p, groups=change(p.groups))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A person or a group gets a grant on a restricted document, or loses it."""

    document: UUID
    person: int | None = None
    group: UUID | None = None
    present: bool

    def applied_to(self, world: World) -> World:
        def change(people: frozenset[int], groups: frozenset[UUID]) -> dict[str, frozenset[object]]:
            return {
                "people": people
                if self.person is None
                else _with(people, self.person, self.present),
                "groups": groups if self.group is None else _with(groups, self.group, self.present),
            }

        return replace(
            world,
            documents=_at(
                world.documents,
                self.document,
                lambda d: replace(d, **change(d.people, d.groups)),  # type: ignore[arg-type]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A document's labels; None leaves one as it is."""

    document: UUID
    classification: int | None = None
    purposes: frozenset[str] | None = None
    is_restricted: bool | None = None

    def applied_to(self, world: World) -> World:
        was = world.documents.get(self.document)
        if was is None:
            return world
        now = replace(
            was,
            classification=was.classification
            if self.classification is None
            else self.classification,
            purposes=was.purposes if self.purposes is None else self.purposes,
            is_restricted=was.is_restricted if self.is_restricted is None else self.is_restricted,
        )
        return replace(world, documents={**world.documents, self.document: now})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's clearance, or whether the account is open; None leaves one as it is."""

    person: int
    clearance: int | None = None
    is_active: bool | None = None

    def applied_to(self, world: World) -> World:
        was = world.people.get(self.person)
        if was is None:
            return world
        now = replace(
            was,
            clearance=was.clearance if self.clearance is None else self.clearance,
            is_active=was.is_active if self.is_active is None else self.is_active,
        )
        return replace(world, people={**world.people, self.person: now})


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterClient:
    """A matter is for another client, or for none."""

    matter: UUID
    client: UUID | None

    def applied_to(self, world: World) -> World:
        return replace(
            world,
            matters=_at(world.matters, self.matter, lambda m: replace(m, client=self.client)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """A barrier comes to stand."""

    barrier: Barrier

    def applied_to(self, world: World) -> World:
        return replace(world, barriers={**world.barriers, self.barrier.id: self.barrier})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A barrier stands no longer."""

    barrier: UUID

    def applied_to(self, world: World) -> World:
        left = {key: each for key, each in world.barriers.items() if key != self.barrier}
        return replace(world, barriers=left)


Change = (
    MemberPlace | TeamPlace | GroupPlace | Grant | Labels | Account | MatterClient | Raise | Lift
)


def _with(held: frozenset[Item], item: Item, present: bool) -> frozenset[Item]:
    return held | {item} if present else held - {item}


def _at(
    values: Mapping[Key, Value], key: Key, change: Callable[[Value], Value]
) -> Mapping[Key, Value]:
    """The mapping with one value changed; as it was when there is none."""
    return {**values, key: change(values[key])} if key in values else values
