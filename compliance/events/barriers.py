"""Events about barriers: walls, seals and restricted lists."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierRaised(Event):
    """A wall, seal or list was raised, beating every permission; `reason` commits to why.

    A wall keeps `people` and `groups` out; the other kinds keep out everybody else. It stands
    around the context's matter, a client's matters, a document, or the documents that speak of
    listed names (`names` commits to them). Object: the barrier.
    """

    type: ClassVar[str] = "barrier.raised"
    says: ClassVar[str] = "{actor} raised the {kind} {object}; it names {people}"
    kind: Word
    people: tuple[UUID, ...] = ()
    groups: tuple[UUID, ...] = ()
    client: UUID | None = None
    document: UUID | None = None
    names: Digest | None = None
    reason: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierLifted(Event):
    """A barrier no longer stands; `reason` commits to why. Object: the barrier."""

    type: ClassVar[str] = "barrier.lifted"
    says: ClassVar[str] = "{actor} lifted the {kind} {object}"
    kind: Word
    people: tuple[UUID, ...] = ()
    reason: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BarriersRead(Event):
    """Barriers and their reasons are about to be listed; written ahead."""

    type: ClassVar[str] = "barrier.listed"
    says: ClassVar[str] = "{actor} looked at {shown} barriers"
    shown: int
