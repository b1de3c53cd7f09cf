"""Events about looking at the rules of access: who could see what, and what a change would do."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Event, Outcome, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersLookedUp(Event):
    """Who could see a document at a time, and why, is about to be shown. Object: the document."""

    type: ClassVar[str] = "document.readers_looked_up"
    says: ClassVar[str] = "{actor} looked up who could see {object} at {at}"
    outcome: Outcome = Outcome.BEGUN
    at: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsLookedUp(Event):
    """What a person could see at a time, and why, is about to be shown. Object: the account."""

    type: ClassVar[str] = "account.rights_looked_up"
    says: ClassVar[str] = "{actor} looked up what {object} could see at {at}"
    outcome: Outcome = Outcome.BEGUN
    at: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTried(Event):
    """What a change of rules would do is about to be shown; nothing is changed.

    Object: the account, group or document that the change is about, if it is about one of these.
    """

    type: ClassVar[str] = "rules.change_tried"
    says: ClassVar[str] = "{actor} tried out a change of rules: {change}"
    outcome: Outcome = Outcome.BEGUN
    change: Word
    barrier: UUID | None = None
    rights_version: int = 0
