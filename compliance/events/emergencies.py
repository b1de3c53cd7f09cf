"""Events about break-glass: access for an hour at most, asked for, decided, ended and reviewed.

Events of what is read under it name it beside their other columns; `object:` finds them by its id.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyAsked(Event):
    """Somebody asked for break-glass on a matter or on one document of it. Object: the request.

    `why` is a code, `reason` commits to what was written; `opened` says that the matter's policy
    opened it before an approval.
    """

    type: ClassVar[str] = "emergency.asked"
    says: ClassVar[str] = "{actor} asked for break-glass on {matter} for {minutes} minutes: {why}"
    why: Word
    minutes: int
    opened: bool
    document: UUID | None = None
    reason: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyApproved(Event):
    """Somebody else approved a break-glass, which opened it unless it was open.

    Object: the account of whoever asked.
    """

    type: ClassVar[str] = "emergency.approved"
    says: ClassVar[str] = "{actor} approved break-glass of {object} on {matter}"
    emergency: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRefused(Event):
    """Somebody else refused a break-glass; one that was open closed.

    Object: the account of whoever asked.
    """

    type: ClassVar[str] = "emergency.refused"
    says: ClassVar[str] = "{actor} refused break-glass of {object} on {matter}"
    emergency: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOverdue(Event):
    """A break-glass that opened before its approval was not approved in time.

    Object: the account of whoever asked.
    """

    type: ClassVar[str] = "emergency.overdue"
    says: ClassVar[str] = "Break-glass of {object} on {matter} was not approved in time"
    emergency: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyEnded(Event):
    """A break-glass ended: `early`, `refused`, `overdue`, or `expired` when its time was over.

    Object: the account of whoever asked.
    """

    type: ClassVar[str] = "emergency.ended"
    says: ClassVar[str] = "Break-glass of {object} on {matter} ended: {way}"
    emergency: UUID
    way: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReviewed(Event):
    """A break-glass was reviewed by somebody who neither asked nor approved.

    `verdict` is a code, `reason` commits to what was written. Object: the account of whoever asked.
    """

    type: ClassVar[str] = "emergency.reviewed"
    says: ClassVar[str] = "{actor} reviewed break-glass of {object} on {matter}: {verdict}"
    emergency: UUID
    verdict: Word
    reason: Digest | None = None
