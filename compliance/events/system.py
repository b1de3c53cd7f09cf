"""Events about the record itself and the installation."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Event, Outcome, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRead(Event):
    """The record is about to be shown, by which filter. Object: the event, if one is opened."""

    type: ClassVar[str] = "record.read"
    says: ClassVar[str] = "{actor} read the record"
    outcome: Outcome = Outcome.BEGUN
    people: tuple[UUID, ...] = ()
    actions: tuple[Word, ...] = ()
    objects: tuple[UUID, ...] = ()
    matters: tuple[UUID, ...] = ()
    outcomes: tuple[Word, ...] = ()
    after: Word | None = None
    before: Word | None = None
    exclusions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun(Event):
    """An operator's command line acts as a person; written before it acts. Actor: that person."""

    type: ClassVar[str] = "command.run"
    says: ClassVar[str] = "The command `{command}` was run as {actor}"
    outcome: Outcome = Outcome.BEGUN
    command: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStarted(Event):
    """A part of the installation started."""

    type: ClassVar[str] = "system.started"
    says: ClassVar[str] = "{part} started, version {version}"
    part: Word
    version: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStopped(Event):
    """A part of the installation stopped in good order."""

    type: ClassVar[str] = "system.stopped"
    says: ClassVar[str] = "{part} stopped"
    part: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTrained(Event):
    """The search index was divided into cells anew, by the operator on the host."""

    type: ClassVar[str] = "index.trained"
    says: ClassVar[str] = "The search index was trained: {cells} cells for {passages} passages"
    passages: int
    cells: int
