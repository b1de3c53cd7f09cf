"""Events about the record itself and the installation."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Outcome, Word


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
class RecordFollowed(Event):
    """New events are about to be shown as they come, by which filter, until the following ends.

    Object: the following, which its end names as well.
    """

    type: ClassVar[str] = "record.followed"
    says: ClassVar[str] = "{actor} began to follow the record"
    outcome: Outcome = Outcome.BEGUN
    people: tuple[UUID, ...] = ()
    actions: tuple[Word, ...] = ()
    objects: tuple[UUID, ...] = ()
    matters: tuple[UUID, ...] = ()
    outcomes: tuple[Word, ...] = ()
    exclusions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFollowEnded(Event):
    """New events are no longer shown as they come, and how many were. Object: the following."""

    type: ClassVar[str] = "record.follow_ended"
    says: ClassVar[str] = "{actor} stopped following the record; {shown} events were shown"
    shown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSaved(Event):
    """A search of the record was saved. Object: the saved search.

    `name` commits to its name; `shared_with` is a role, or None when it is kept to oneself.
    """

    type: ClassVar[str] = "record.search_saved"
    says: ClassVar[str] = "{actor} saved a search of the record; shared with: {shared_with}"
    name: Digest
    shared_with: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRemoved(Event):
    """A saved search of the record was removed by its owner. Object: the saved search."""

    type: ClassVar[str] = "record.search_removed"
    says: ClassVar[str] = "{actor} removed a saved search of the record"


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
