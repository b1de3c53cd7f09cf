"""Events about the house's own directory: linked identities, groups, tokens for provisioning."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Event, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """An account was joined to a person as an issuer knows them. Object: the account.

    `identity` is the row that names issuer and subject; `way` says what joined them.
    """

    type: ClassVar[str] = "account.identity_linked"
    says: ClassVar[str] = "{actor} linked an identity to the account of {object} ({way})"
    identity: int
    way: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUnlinked(Event):
    """An identity elsewhere no longer opens an account. Object: the account."""

    type: ClassVar[str] = "account.identity_unlinked"
    says: ClassVar[str] = "{actor} took an identity from the account of {object}"
    identity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRenamed(Event):
    """The name of an account, or the name that is shown, was changed. Object: the account."""

    type: ClassVar[str] = "account.renamed"
    says: ClassVar[str] = "{actor} changed a name of the account of {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCreated(Event):
    """A group of people came into being. Object: the group."""

    type: ClassVar[str] = "group.created"
    says: ClassVar[str] = "{actor} created {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRenamed(Event):
    """A group got another name or another identifier in the directory. Object: the group."""

    type: ClassVar[str] = "group.renamed"
    says: ClassVar[str] = "{actor} renamed {object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDeleted(Event):
    """A group and all places in it ended. Object: the group."""

    type: ClassVar[str] = "group.deleted"
    says: ClassVar[str] = "{actor} deleted {object}"
    members: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupJoined(Event):
    """Somebody was put into a group. Object: the account."""

    type: ClassVar[str] = "group.member_added"
    says: ClassVar[str] = "{actor} put {object} into a group"
    group: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLeft(Event):
    """Somebody was taken out of a group. Object: the account."""

    type: ClassVar[str] = "group.member_removed"
    says: ClassVar[str] = "{actor} took {object} out of a group"
    group: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimTokenCreated(Event):
    """A token was made with which a directory provisions people here. Object: the token."""

    type: ClassVar[str] = "scim.token_created"
    says: ClassVar[str] = "{actor} made a token for provisioning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimTokenRevoked(Event):
    """A token for provisioning was taken back. Object: the token."""

    type: ClassVar[str] = "scim.token_revoked"
    says: ClassVar[str] = "{actor} took back a token for provisioning"
