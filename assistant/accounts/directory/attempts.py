"""Sign-ins that wait for a provider's answer, each bound to the browser that began it.

A provider's answer comes through the person's browser, so anybody can bring one. It counts only
when it names an attempt that was begun in the same browser, within ten minutes, and only once.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Way
from assistant.accounts.models import SignOnAttempt
from compliance.events import SignInFailure

SIGNIN = "signin"
LASTS = timedelta(minutes=10)
TICKET_LASTS = timedelta(minutes=1)


def digest(secret: str) -> str:
    """What the table holds in place of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(way: Way, *, state: str, browser: str, wanted: str, **more: str) -> SignOnAttempt:
    """Remember an attempt under the hash of its `state`; forget those that took too long."""
    now = timezone.now()
    SignOnAttempt.objects.using(SIGNIN).filter(expires_at__lt=now).delete()
    return SignOnAttempt.objects.using(SIGNIN).create(
        way=way.value,
        state_hash=digest(state),
        browser_hash=digest(browser),
        wanted=wanted[:500],
        expires_at=now + LASTS,
        **more,
    )


def answered(way: Way, *, state: str, browser: str | None) -> SignOnAttempt:
    """The attempt that an answer belongs to, which can be had once.

    `browser` is None where the answer comes without the browser's cookie; then `ticket_for` and
    `redeemed` check the browser afterwards. Raises SignOnRefused.
    """
    waiting = SignOnAttempt.objects.using(SIGNIN).filter(
        way=way.value,
        state_hash=digest(state),
        answered_at__isnull=True,
        expires_at__gt=timezone.now(),
    )
    if browser is not None:
        waiting = waiting.filter(browser_hash=digest(browser))
    attempt = waiting.first()
    if attempt is None or waiting.update(answered_at=timezone.now()) != 1:
        raise SignOnRefused(SignInFailure.NOT_BEGUN_HERE)
    return attempt


def ticket_for(attempt: SignOnAttempt, claimed: dict[str, Any]) -> str:
    """Keep what was proven until the browser comes for it; returns what it comes with."""
    ticket = secrets.token_urlsafe(32)
    attempt.ticket_hash = digest(ticket)
    attempt.claimed = claimed
    attempt.expires_at = timezone.now() + TICKET_LASTS
    attempt.save(using=SIGNIN, update_fields=["ticket_hash", "claimed", "expires_at"])
    return ticket


def redeemed(ticket: str, *, browser: str) -> SignOnAttempt:
    """The attempt with what was proven, for the browser that began it, once."""
    found = SignOnAttempt.objects.using(SIGNIN).filter(
        ticket_hash=digest(ticket), browser_hash=digest(browser), expires_at__gt=timezone.now()
    )
    attempt = found.first()
    if attempt is None or found.delete()[0] != 1:
        raise SignOnRefused(SignInFailure.NOT_BEGUN_HERE)
    return attempt
