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
class WallRaised(Event):
    """A wall keeps a person out of the matter, beating every permission; `reason` commits to why.

    Object: the person's account.
    """

    type: ClassVar[str] = "matter.wall_raised"
    says: ClassVar[str] = "{actor} raised a wall between {object} and {matter}"
    reason: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WallLifted(Event):
    """A wall no longer stands; `reason` commits to why. Object: the person's account."""

    type: ClassVar[str] = "matter.wall_lifted"
    says: ClassVar[str] = "{actor} lifted the wall between {object} and {matter}"
    reason: Digest | None = None
