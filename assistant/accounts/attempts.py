"""Passwords and second factors share one count of wrong attempts, and one lock.

After five wrong attempts the account is locked for a quarter of an hour. The count starts anew
only when somebody has signed in completely: whoever knows the password alone does not get more
guesses at the second factor by giving it again.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Credential, User
from compliance import log
from compliance.events import AccountLocked, Context

SIGNIN = "signin"
ATTEMPTS_BEFORE_LOCK = 5
LOCK = timedelta(minutes=15)
NO_PASSWORD = "!"  # noqa: S105 - what no password matches
LOCKED = (
    "This account is locked for a quarter of an hour after too many wrong attempts. "
    "Wait, or ask an administrator to set a new password."
)

Proof = TypeVar("Proof")


class Wrong(Exception):
    """What was given is not right; the attempt was counted."""


class Locked(Exception):
    """The account takes no attempt now; the message is for the person at the keyboard."""

    def __init__(self) -> None:
        super().__init__(LOCKED)


def attempt(user: User, check: Callable[[Credential], Proof | None]) -> Proof:
    """Return what `check` finds, or count a wrong attempt when it finds nothing.

    `check` runs in a transaction of the sign-in connection that holds the person's credential, so
    that of two attempts at once the second sees what the first has used up. Raises Wrong or Locked.
    """
    with transaction.atomic(using=SIGNIN):
        credential = hold(user)
        if credential.is_locked(timezone.now()):
            raise Locked
        proof = check(credential)
        if proof is not None:
            return proof
        _count(credential)
    if credential.locked_until is not None:
        locked = AccountLocked(object=user.public_id, failures=ATTEMPTS_BEFORE_LOCK)
        log.append_alone(locked, context=Context())
    raise Wrong


def forgive(user: User) -> None:
    """Begin to count anew, after a complete sign-in."""
    Credential.objects.using(SIGNIN).filter(user_id=user.pk).exclude(failed_attempts=0).update(
        failed_attempts=0
    )


def hold(user: User) -> Credential:
    """Keep other attempts of this person waiting until the transaction ends."""
    rows = Credential.objects.using(SIGNIN).select_for_update()
    # Somebody who signs in elsewhere has no password here, and attempts to count all the same.
    return rows.get_or_create(user_id=user.pk, defaults={"password": NO_PASSWORD})[0]


def _count(credential: Credential) -> None:
    credential.failed_attempts += 1
    credential.locked_until = None
    if credential.failed_attempts >= ATTEMPTS_BEFORE_LOCK:
        credential.failed_attempts = 0
        credential.locked_until = timezone.now() + LOCK
    credential.save(using=SIGNIN, update_fields=["failed_attempts", "locked_until"])
