"""Second factors: what somebody has, giving a code, setting an app up, taking things away.

Everything here stands in tables of the sign-in role, and happens in one transaction with its event
on that role's connection.
"""

import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assistant.accounts import recovery, totp
from assistant.accounts.attempts import SIGNIN, Locked, Wrong, attempt, hold
from assistant.accounts.models import Authenticator, Passkey, RecoveryCode, User
from assistant.accounts.sealed import seal, unseal
from compliance import log
from compliance.events import (
    Context,
    FactorFailure,
    SecondFactorAdded,
    SecondFactorDeferred,
    SecondFactorFailed,
    SecondFactorRemoved,
    SecondFactorsReset,
)

TOTP = "totp"
PASSKEY = "passkey"
RECOVERY_CODE = "recovery_code"
WRONG_CODE = (
    "That code is not right, or it was used before. An app shows a new one every 30 seconds: "
    "wait for the next."
)
KEEP_ONE = "This is your last second factor. Set up another one first."
_SIX_DIGITS = re.compile(r"[0-9]{6}")


class FactorRefused(Exception):
    """The second factor was not taken; the message is for the person at the keyboard."""


class FactorLocked(FactorRefused):
    """The account takes no attempt for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What somebody can prove themselves with, beside a password."""

    app: Authenticator | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor; recovery codes alone are none."""
        return self.app is not None or bool(self.passkeys)

    @property
    def count(self) -> int:
        return len(self.passkeys) + (self.app is not None)


def owned_by(user: User) -> Owned:
    """The second factors of a person."""
    passkeys = Passkey.objects.using(SIGNIN).filter(user_id=user.pk).order_by("created_at")
    return Owned(
        app=_confirmed(user), passkeys=list(passkeys), codes_left=recovery.codes_left(user)
    )


def check_code(record: Context, user: User, typed: str, *, purpose: str) -> str:
    """Take a code of an app or a recovery code; returns which kind it was.

    Raises FactorRefused (FactorLocked after too many) when it is wrong or was used before.
    """
    code = "".join(typed.split())
    kind = TOTP if _SIX_DIGITS.fullmatch(code) else RECOVERY_CODE

    def check(_: object) -> str | None:
        taken = spend_app_code(user, code) if kind == TOTP else recovery.spend(record, user, code)
        return kind if taken else None

    try:
        return attempt(user, check)
    except Wrong:
        raise refusal(record, user, kind, FactorFailure.WRONG, purpose, WRONG_CODE) from None
    except Locked as error:
        raise locked_out(record, user, kind, purpose, error) from None


def refusal(
    record: Context, user: User, factor: str, reason: FactorFailure, purpose: str, words: str
) -> FactorRefused:
    """Record that a second factor was refused; returns what to raise."""
    log.append_alone(
        SecondFactorFailed(object=user.public_id, factor=factor, reason=reason, purpose=purpose),
        context=record,
    )
    return FactorRefused(words)


def locked_out(
    record: Context, user: User, factor: str, purpose: str, error: Locked
) -> FactorLocked:
    """Record that an attempt met a locked account; returns what to raise."""
    refusal(record, user, factor, FactorFailure.LOCKED, purpose, "")
    return FactorLocked(str(error))


def spend_app_code(user: User, code: str) -> bool:
    """Whether the code is one of the person's app that was not used before. Uses it up."""
    app = _confirmed(user)
    if app is None:
        return False
    step = totp.matching_step(_secret(app), code, seconds=time.time(), after=app.last_step)
    if step is None:
        return False
    used = Authenticator.objects.using(SIGNIN).filter(pk=app.pk, last_step__lt=step)
    return used.update(last_step=step, last_used_at=timezone.now()) == 1


def app_being_set_up(user: User) -> bytes:
    """The secret to be put into an app. It is the same until a code of it was given."""
    new = seal(totp.spelled(secrets.token_bytes(totp.SECRET_BYTES)))
    app, _ = Authenticator.objects.using(SIGNIN).get_or_create(
        user_id=user.pk, confirmed_at=None, defaults={"sealed_secret": new}
    )
    return _secret(app)


def confirm_app(record: Context, user: User, typed: str) -> None:
    """Make the app being set up a second factor, in the place of a former one.

    Raises FactorRefused when the code is not one of it.
    """
    code = "".join(typed.split())

    def check(_: object) -> bool | None:
        rows = Authenticator.objects.using(SIGNIN).filter(user_id=user.pk)
        app = rows.filter(confirmed_at__isnull=True).first()
        step = app and totp.matching_step(_secret(app), code, seconds=time.time())
        if app is None or step is None:
            return None
        former = _confirmed(user)
        if former is not None:
            _record_removal(record, user, TOTP, former.pk)
            former.delete(using=SIGNIN)
        added = SecondFactorAdded(object=user.public_id, factor=TOTP, reference=app.pk)
        log.append(added, context=record, using=SIGNIN)
        now = timezone.now()
        rows.filter(pk=app.pk).update(confirmed_at=now, last_used_at=now, last_step=step)
        return True

    try:
        attempt(user, check)
    except Wrong:
        words = "That is not the code your app should show now. Is your device's clock right?"
        raise refusal(record, user, TOTP, FactorFailure.WRONG, "set_up", words) from None
    except Locked as error:
        raise locked_out(record, user, TOTP, "set_up", error) from None


def remove(record: Context, user: User, factor_id: UUID, *, may_be_last: bool) -> None:
    """Take one of the person's own second factors away; one that is not theirs counts as gone.

    Raises ValidationError for the last one, unless it `may_be_last`.
    """
    with transaction.atomic(using=SIGNIN):
        hold(user)
        owned = owned_by(user)
        app = [owned.app] if owned.app is not None else []
        factor = next((each for each in [*app, *owned.passkeys] if each.pk == factor_id), None)
        if factor is None:
            return
        if owned.count == 1 and not may_be_last:
            raise ValidationError(KEEP_ONE)
        kind = TOTP if isinstance(factor, Authenticator) else PASSKEY
        _record_removal(record, user, kind, factor.pk)
        factor.delete(using=SIGNIN)


def reset(record: Context, user: User) -> None:
    """Take all second factors and codes away; at the next sign-in new ones are set up.

    An exemption ends with them.
    """
    with transaction.atomic(using=SIGNIN):
        removed = owned_by(user).count
        log.append(
            SecondFactorsReset(object=user.public_id, removed=removed),
            context=record,
            using=SIGNIN,
        )
        for kind in (Authenticator, Passkey, RecoveryCode):
            kind.objects.using(SIGNIN).filter(user_id=user.pk).delete()
        User.objects.using(SIGNIN).filter(pk=user.pk).update(second_factor_due_at=None)


def defer(record: Context, user: User, *, until: datetime | None) -> None:
    """Let a person sign in without a second factor until a moment; None ends it at once."""
    said = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ") if until else "now"
    with transaction.atomic(using=SIGNIN):
        log.append(
            SecondFactorDeferred(object=user.public_id, until=said), context=record, using=SIGNIN
        )
        User.objects.using(SIGNIN).filter(pk=user.pk).update(second_factor_due_at=until)
    user.second_factor_due_at = until


def _record_removal(record: Context, user: User, kind: str, factor_id: UUID) -> None:
    removed = SecondFactorRemoved(object=user.public_id, factor=kind, reference=factor_id)
    log.append(removed, context=record, using=SIGNIN)


def _confirmed(user: User) -> Authenticator | None:
    apps = Authenticator.objects.using(SIGNIN)
    return apps.filter(user_id=user.pk, confirmed_at__isnull=False).first()


def _secret(app: Authenticator) -> bytes:
    return totp.unspelled(unseal(app.sealed_secret))
