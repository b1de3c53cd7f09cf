"""Events of the ledger itself: signs of life, alarms, checks, proofs handed out."""

from dataclasses import dataclass
from typing import ClassVar

from compliance.shape import Digest, Event, Outcome, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReached:
    """How far a writer has come. A writer's id is written without dashes."""

    writer: Word
    seq: int
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Event):
    """A part lives, and its writers have come this far. Silence for longer is an alarm."""

    type: ClassVar[str] = "system.heartbeat"
    says: ClassVar[str] = "{part} lives"
    part: Word
    process: int
    seconds: int
    chains: tuple[ChainReached, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """Something is wrong with the record or its machinery; `kind` and `about` say what."""

    type: ClassVar[str] = "ledger.alarm"
    says: ClassVar[str] = "Alarm: {kind} ({about})"
    outcome: Outcome = Outcome.FAILED
    kind: Word
    about: Word | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared(Event):
    """What an alarm was about is over."""

    type: ClassVar[str] = "ledger.alarm_cleared"
    says: ClassVar[str] = "Alarm is over: {kind} ({about})"
    kind: Word
    about: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBegun(Event):
    """The signer has begun a log: from `size` events on, under this name and key."""

    type: ClassVar[str] = "ledger.begun"
    says: ClassVar[str] = "The log {origin} was begun at {size} events"
    origin: Word
    key: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionsChanged(Event):
    """The definition of a table or function of the record was changed, by a database role."""

    type: ClassVar[str] = "ledger.definitions_changed"
    says: ClassVar[str] = "The role {role} changed the record's tables in {statements} places"
    role: Word
    statements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVerified(Event):
    """The operator has checked the record, from one number to another."""

    type: ClassVar[str] = "ledger.verified"
    says: ClassVar[str] = "The record was verified up to {size} events: {damages} damages"
    start: int
    size: int
    damages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExported(Event):
    """Events are about to be written into a bundle that can be verified elsewhere."""

    type: ClassVar[str] = "ledger.exported"
    says: ClassVar[str] = "{events} events were exported with their proofs"
    outcome: Outcome = Outcome.BEGUN
    after: Word
    before: Word
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProved(Event):
    """One event's proof is about to be handed out. Object: the event."""

    type: ClassVar[str] = "ledger.proved"
    says: ClassVar[str] = "An event's proof was made"
    outcome: Outcome = Outcome.BEGUN
    number: int
