"""Events about matters and who has access to them."""

from dataclasses import dataclass
from typing import ClassVar

from compliance.shape import Digest, Event, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterCreated(Event):
    """A matter was opened; `name` commits to its name. Object: the matter."""

    type: ClassVar[str] = "matter.created"
    says: ClassVar[str] = "{actor} opened {object}"
    name: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterRenamed(Event):
    """A matter was renamed; `name` commits to its new name. Object: the matter."""

    type: ClassVar[str] = "matter.renamed"
    says: ClassVar[str] = "{actor} renamed {object}"
    name: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded(Event):
    """A person was given access to the matter. Object: the person's account."""

    type: ClassVar[str] = "matter.member_added"
    says: ClassVar[str] = "{actor} gave {object} access to {matter}"
    level: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(Event):
    """A person's access to the matter was taken away. Object: the person's account."""

    type: ClassVar[str] = "matter.member_removed"
    says: ClassVar[str] = "{actor} took access to {matter} from {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterClientSet(Event):
    """A matter was said to be for a client, or for none. Object: the client."""

    type: ClassVar[str] = "matter.client_set"
    says: ClassVar[str] = "{actor} said whom {matter} is for: {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterPurposesSet(Event):
    """The purposes that members choose from, and whether break-glass opens before approval.

    Object: the matter.
    """

    type: ClassVar[str] = "matter.purposes_set"
    says: ClassVar[str] = "{actor} set the purposes of {object}: {purposes}"
    purposes: tuple[Word, ...] = ()
    opens_in_emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAdded(Event):
    """A group was given access to the matter, for whoever is in it. Object: the group."""

    type: ClassVar[str] = "matter.team_added"
    says: ClassVar[str] = "{actor} gave the group {object} access to {matter}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRemoved(Event):
    """A group's access to the matter was taken away. Object: the group."""

    type: ClassVar[str] = "matter.team_removed"
    says: ClassVar[str] = "{actor} took access to {matter} from the group {object}"
