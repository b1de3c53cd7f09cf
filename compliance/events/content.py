"""Events about recorded content: opened with a reason, kept by a hold, erased by two people.

Each carries the written reason as content, locked like any other.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Outcome, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentUnlocked(Event):
    """A part of an event's content is about to be shown; written ahead. Object: that event.

    `kind` is that event's type. The context's matter is that event's.
    """

    type: ClassVar[str] = "content.unlocked"
    says: ClassVar[str] = "{actor} unlocked {part} of an event ({kind}) in {matter}"
    outcome: Outcome = Outcome.BEGUN
    part: Word
    kind: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentUnlockRefused(Event):
    """Content was asked for and not shown, and why. Object: the event it is of."""

    type: ClassVar[str] = "content.unlock_refused"
    says: ClassVar[str] = "{actor} was refused {part} of an event: {reason}"
    outcome: Outcome = Outcome.REFUSED
    part: Word
    reason: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced(Event):
    """Content may not be erased: a matter's, a person's, of a span of time. Object: the hold."""

    type: ClassVar[str] = "hold.placed"
    says: ClassVar[str] = "{actor} placed {object} on recorded content"
    person: UUID | None = None
    since: Word | None = None
    until: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted(Event):
    """A hold no longer keeps content. Object: the hold."""

    type: ClassVar[str] = "hold.lifted"
    says: ClassVar[str] = "{actor} lifted {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureAsked(Event):
    """Somebody asked for recorded content to be erased. Object: the erasure.

    `scope` says what `target` is: an event, a matter or a person.
    """

    type: ClassVar[str] = "erasure.asked"
    says: ClassVar[str] = "{actor} asked for the content of {events} events to be erased ({scope})"
    outcome: Outcome = Outcome.BEGUN
    scope: Word
    target: UUID
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureApproved(Event):
    """Somebody else approved an erasure; written before a key is destroyed. Object: the erasure.

    `covers` is the SHA-256 of the list of events whose content goes (docs/compliance.md).
    """

    type: ClassVar[str] = "erasure.approved"
    says: ClassVar[str] = "{actor} approved that the content of {events} events is erased"
    outcome: Outcome = Outcome.BEGUN
    scope: Word
    target: UUID
    asked_by: UUID
    events: int
    covers: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRefused(Event):
    """Content was not erased, and why. Object: the erasure, if there is one."""

    type: ClassVar[str] = "erasure.refused"
    says: ClassVar[str] = "An erasure was refused to {actor}: {reason}"
    outcome: Outcome = Outcome.REFUSED
    reason: Word
    scope: Word | None = None
    target: UUID | None = None
    hold: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentErased(Event):
    """Keys were destroyed: what they sealed can be read by nobody any more. Object: the erasure.

    `destroyed` keys were there, `gone` were not; `certificate` is the SHA-256 of the certificate.
    """

    type: ClassVar[str] = "erasure.done"
    says: ClassVar[str] = "The content of {events} events was erased ({destroyed} keys destroyed)"
    scope: Word
    target: UUID
    asked_by: UUID
    events: int
    destroyed: int
    gone: int
    covers: Digest
    certificate: Digest
