"""What the rules are about, as plain values: people, matters, documents, barriers, break-glass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

NONE: Mapping[Any, Any] = MappingProxyType({})


class BarrierKind(StrEnum):
    """A wall keeps out those it names; a seal and a restricted list keep out all others."""

    WALL = "wall"
    SEAL = "seal"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account. `id` is the database's number; `groups` are those it is in."""

    id: int
    clearance: int = 1
    is_active: bool = True
    is_administrator: bool = False
    purposes: frozenset[str] = frozenset()  # that may be chosen; empty: any
    groups: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A matter with those who are in it by name (leads too) and by team."""

    id: UUID
    client: UUID | None = None
    members: frozenset[int] = frozenset()
    teams: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document's labels, and who has a grant on it while it is restricted."""

    id: UUID
    matter: UUID
    classification: int = 0
    purposes: frozenset[str] = frozenset()  # empty: for any
    is_restricted: bool = False
    people: frozenset[int] = frozenset()
    groups: frozenset[UUID] = frozenset()
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """A barrier that stands: around what, and whom it names.

    `documents` are the one it names, or those that speak of a listed name.
    """

    id: UUID
    kind: BarrierKind
    matter: UUID | None = None
    client: UUID | None = None
    documents: frozenset[UUID] = frozenset()
    people: frozenset[int] = frozenset()
    groups: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Break-glass of one person, for a matter or for one document of it. Open until it expires."""

    id: UUID
    person: int
    matter: UUID
    document: UUID | None = None
    opened_at: datetime | None = None
    expires_at: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return (
            self.opened_at is not None
            and self.expires_at is not None
            and self.opened_at <= at < self.expires_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All rules that hold at one time."""

    people: Mapping[int, Person] = field(default_factory=lambda: NONE)
    matters: Mapping[UUID, Matter] = field(default_factory=lambda: NONE)
    documents: Mapping[UUID, Document] = field(default_factory=lambda: NONE)
    barriers: Mapping[UUID, Barrier] = field(default_factory=lambda: NONE)
    emergencies: Mapping[UUID, Emergency] = field(default_factory=lambda: NONE)
