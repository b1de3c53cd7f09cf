"""Events about people: accounts, sign-in, and what a person was refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Outcome, Word


class SignInFailure(StrEnum):
    """Why a sign-in was refused. The person is told none of this."""

    UNKNOWN_ACCOUNT = "unknown_account"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a word in the record, not a secret
    LOCKED = "locked"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """Somebody signed in and a session began. Object: the account."""

    type: ClassVar[str] = "account.signed_in"
    says: ClassVar[str] = "{actor} signed in"
    method: Word = "password"
    address: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """A sign-in was refused. Object: the account, if there is one.

    `name` commits to the name that was typed.
    """

    type: ClassVar[str] = "account.sign_in_failed"
    says: ClassVar[str] = "A sign-in as {object} was refused: {reason}"
    outcome: Outcome = Outcome.REFUSED
    reason: SignInFailure
    name: Digest | None = None
    address: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLocked(Event):
    """Too many sign-ins failed and the account is closed for a time. Object: the account."""

    type: ClassVar[str] = "account.locked"
    says: ClassVar[str] = "The account of {object} was locked after {failures} failed sign-ins"
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    """Somebody signed out and the session ended. Object: the account."""

    type: ClassVar[str] = "account.signed_out"
    says: ClassVar[str] = "{actor} signed out"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """A password was changed, and how many other sessions that ended. Object: the account."""

    type: ClassVar[str] = "account.password_changed"
    says: ClassVar[str] = "{actor} changed the password of {object}"
    sessions_ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session was ended other than by signing out. Object: the session."""

    type: ClassVar[str] = "account.session_ended"
    says: ClassVar[str] = "{actor} ended {object}: {reason}"
    reason: Word = "ended_by_person"
    account: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated(Event):
    """An account was made. Object: the account."""

    type: ClassVar[str] = "account.created"
    says: ClassVar[str] = "{actor} created the account of {object} with roles {roles}"
    roles: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesChanged(Event):
    """Roles were given to an account or taken from it. Object: the account."""

    type: ClassVar[str] = "account.roles_changed"
    says: ClassVar[str] = "{actor} changed the roles of {object}: added {added}, removed {removed}"
    added: tuple[Word, ...] = ()
    removed: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(Event):
    """An account was closed and its sessions ended. Object: the account."""

    type: ClassVar[str] = "account.disabled"
    says: ClassVar[str] = "{actor} disabled the account of {object}"
    sessions_ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(Event):
    """A closed account was opened again. Object: the account."""

    type: ClassVar[str] = "account.enabled"
    says: ClassVar[str] = "{actor} enabled the account of {object}"
    roles: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDenied(Event):
    """Somebody asked for what they may not see. Object: what was asked for, if it has an id."""

    type: ClassVar[str] = "access.denied"
    says: ClassVar[str] = "{actor} was refused access ({what}): {reason}"
    outcome: Outcome = Outcome.REFUSED
    what: Word
    reason: Word
