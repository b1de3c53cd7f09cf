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
    # Who they are was to be proven elsewhere.
    NOT_LINKED = "not_linked"
    NAME_TAKEN = "name_taken"
    NO_ROLE = "no_role"
    ROLES_CONFLICT = "roles_conflict"
    NOT_BEGUN_HERE = "not_begun_here"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_RECIPIENT = "wrong_recipient"
    WRONG_NONCE = "wrong_nonce"
    EXPIRED = "expired"
    REPLAYED = "replayed"
    NO_SUBJECT = "no_subject"
    NOT_FROM_PROXY = "not_from_proxy"
    NO_CERTIFICATE = "no_certificate"


class FactorFailure(StrEnum):
    """Why a second factor was refused."""

    WRONG = "wrong"
    NOT_GENUINE = "not_genuine"
    TOO_LATE = "too_late"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInBegun(Event):
    """The first step of a sign-in was right and a second factor was asked for. Object: the account.

    The session named in the event enters nothing until `account.signed_in`.
    """

    type: ClassVar[str] = "account.sign_in_begun"
    says: ClassVar[str] = "{actor} was asked for a second factor"
    outcome: Outcome = Outcome.BEGUN
    method: Word = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """Somebody signed in and a session began. Object: the account.

    `method` names the first step and the second factor, as in `password+totp`.
    """

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
    method: Word = "password"
    name: Digest | None = None
    address: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLocked(Event):
    """Too many sign-ins failed and the account is closed for a time. Object: the account."""

    type: ClassVar[str] = "account.locked"
    says: ClassVar[str] = "The account of {object} was locked after {failures} failed sign-ins"
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorAdded(Event):
    """A second factor was set up: `totp` or `passkey`. Object: the account."""

    type: ClassVar[str] = "account.second_factor_added"
    says: ClassVar[str] = "{actor} set up a second factor for {object}: {factor}"
    factor: Word
    reference: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRemoved(Event):
    """A second factor was taken away by its owner. Object: the account."""

    type: ClassVar[str] = "account.second_factor_removed"
    says: ClassVar[str] = "{actor} removed a second factor of {object}: {factor}"
    factor: Word
    reference: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorFailed(Event):
    """A second factor was refused: at sign-in, in a step-up, being set up. Object: the account."""

    type: ClassVar[str] = "account.second_factor_failed"
    says: ClassVar[str] = "A second factor of {object} was refused ({factor}): {reason}"
    outcome: Outcome = Outcome.REFUSED
    factor: Word
    reason: FactorFailure
    purpose: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorsReset(Event):
    """All second factors of an account were taken away; its owner sets up new ones.

    Object: the account.
    """

    type: ClassVar[str] = "account.second_factors_reset"
    says: ClassVar[str] = "{actor} reset the second factors of {object}"
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorDeferred(Event):
    """It was decided until when an account may sign in without a second factor.

    Object: the account. `until` is a moment in UTC, or `now` when the exemption was ended.
    """

    type: ClassVar[str] = "account.second_factor_deferred"
    says: ClassVar[str] = "{actor} let {object} sign in without a second factor until {until}"
    until: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesMade(Event):
    """New recovery codes were shown; older ones no longer count. Object: the account."""

    type: ClassVar[str] = "account.recovery_codes_made"
    says: ClassVar[str] = "{actor} was shown {codes} new recovery codes"
    codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesKept(Event):
    """The owner showed that the recovery codes were written down. Object: the account."""

    type: ClassVar[str] = "account.recovery_codes_kept"
    says: ClassVar[str] = "{actor} confirmed the recovery codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """A recovery code stood in for a second factor and is used up. Object: the account."""

    type: ClassVar[str] = "account.recovery_code_used"
    says: ClassVar[str] = "{actor} used a recovery code; {left} are left"
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp(Event):
    """Somebody who is signed in proved again who they are. Object: the account."""

    type: ClassVar[str] = "account.stepped_up"
    says: ClassVar[str] = "{actor} confirmed who they are ({method})"
    method: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSet(Event):
    """Up to which level somebody reads, and for which purposes (none: any). Object: the account."""

    type: ClassVar[str] = "account.reading_set"
    says: ClassVar[str] = "{actor} let {object} read up to level {clearance}"
    clearance: int
    purposes: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeChosen(Event):
    """Somebody said for what purpose they read from now on in this session. Object: the account.

    None: for no purpose in particular.
    """

    type: ClassVar[str] = "account.purpose_chosen"
    says: ClassVar[str] = "{actor} reads for the purpose {purpose} from now on"
    purpose: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserNamed(Event):
    """Somebody gave the browser they sit at a name of their own. Object: the session."""

    type: ClassVar[str] = "account.browser_named"
    says: ClassVar[str] = "{actor} named a browser"


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
