"""Signing in and out, changing the password, one's own sessions.

Passwords are checked on a connection whose role alone can read credentials. After five wrong
passwords the account is locked for a quarter of an hour. Every attempt is recorded.
"""

import logging
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth import login, logout
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assistant.accounts import sessions
from assistant.accounts.models import Credential, Session, User, new_session_secret
from assistant.accounts.requests import Request
from compliance import log
from compliance.events import (
    AccountLocked,
    Context,
    PasswordChanged,
    SessionEnded,
    SignedIn,
    SignedOut,
    SignInFailed,
    SignInFailure,
)

ATTEMPTS_BEFORE_LOCK = 5
LOCK = timedelta(minutes=15)
WRONG = "That name and password do not belong together. Check both and try again."
LOCKED = (
    "This account is locked for a quarter of an hour after too many wrong passwords. "
    "Wait, or ask an administrator to set a new password."
)
# Checked when there is no such person, so that the answer takes as long as for a real one.
_NOBODY = make_password("nobody has this password")

logger = logging.getLogger(__name__)


class SignInRefused(Exception):
    """Nobody was signed in; the message is for the person at the keyboard."""


class PasswordBackend:
    """Django's door to a signed-in person. Passwords are checked in `sign_in`, not here."""

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def sign_in(request: Request, username: str, password: str) -> User:
    """Check a password and begin a session, in the browser and in the database.

    Raises SignInRefused with a sentence that does not tell whether the name exists, and
    NotRecorded when the record cannot be written: then nobody is signed in.
    """
    user = _whose_password(username, password)
    request.session.cycle_key()
    login(request, user, backend="assistant.accounts.signin.PasswordBackend")
    request.session["device"] = device_of(request)
    request.session.save()
    session = Session.objects.get(
        session_key=sessions.stored_key(request.session.session_key or "")
    )
    context = Context(actor=user.public_id, session=session.public_id, request=uuid4())
    try:
        with transaction.atomic():
            log.append(SignedIn(object=user.public_id), context=context)
            User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    except Exception:
        request.session.flush()
        raise
    sessions.open_identity(
        sessions.identity_token(request.session.session_key or ""),
        user_id=user.pk,
        session_id=session.public_id,
        until=request.session.get_expiry_date(),
    )
    return user


def _whose_password(username: str, password: str) -> User:
    """The active person this name and password belong to; raises SignInRefused otherwise."""
    user = User.objects.filter(username__iexact=username.strip()).first()
    if user is None or not user.is_active:
        check_password(password, _NOBODY)
        failure = SignInFailure.DISABLED if user else SignInFailure.UNKNOWN_ACCOUNT
        raise _refusal(user, failure)
    with transaction.atomic(using="signin"):
        credential = (
            Credential.objects.using("signin").select_for_update().filter(user_id=user.pk).first()
        )
        if credential is None or credential.is_locked(timezone.now()):
            failure = SignInFailure.LOCKED if credential else SignInFailure.UNKNOWN_ACCOUNT
        elif check_password(password, credential.password):
            _count(credential, failed=0)
            return user
        else:
            _count(credential, failed=credential.failed_attempts + 1)
            failure = SignInFailure.WRONG_PASSWORD
    if failure is SignInFailure.WRONG_PASSWORD and credential and credential.locked_until:
        locked = AccountLocked(object=user.public_id, failures=ATTEMPTS_BEFORE_LOCK)
        log.append_alone(locked, context=Context())
    raise _refusal(user, failure)


def _count(credential: Credential, *, failed: int) -> None:
    credential.failed_attempts = failed
    credential.locked_until = None
    if failed >= ATTEMPTS_BEFORE_LOCK:
        credential.failed_attempts = 0
        credential.locked_until = timezone.now() + LOCK
    credential.save(
        using="signin", update_fields=["failed_attempts", "locked_until"]
    )


def _refusal(user: User | None, failure: SignInFailure) -> SignInRefused:
    """What the person is told, after it has been recorded."""
    log.append_alone(
        SignInFailed(object=user.public_id if user else None, reason=failure), context=Context()
    )
    return SignInRefused(LOCKED if failure is SignInFailure.LOCKED else WRONG)


def sign_out(request: Request) -> None:
    """End this browser's session everywhere."""
    if request.user.is_authenticated:
        with transaction.atomic():
            log.append(SignedOut(object=request.user.public_id), context=request.record)
        if request.record.session is not None:
            sessions.close_identity(request.record.session)
    logout(request)


def change_password(request: Request, *, old: str, new: str) -> None:
    """Set a new password and end every other session of this person.

    Raises ValidationError when the old password is wrong or the new one is too weak.
    """
    user = request.user
    with transaction.atomic(using="signin"):
        credential = Credential.objects.using("signin").select_for_update().get(user_id=user.pk)
        if credential.is_locked(timezone.now()):
            raise ValidationError(LOCKED)
        if not check_password(old, credential.password):
            _count(credential, failed=credential.failed_attempts + 1)
            wrong = True
        else:
            validate_password(new, user)
            wrong = False
    if wrong:
        raise ValidationError("The present password is not right.")
    with transaction.atomic():
        log.append(PasswordChanged(object=user.public_id), context=request.record)
        user.session_secret = new_session_secret()
        user.must_change_password = False
        user.save(update_fields=["session_secret", "must_change_password"])
        set_password(user, new)
    for session in sessions_of(user):
        if session.session_key != sessions.stored_key(request.session.session_key or ""):
            _end(session)
    request.session["_auth_user_hash"] = user.get_session_auth_hash()


def set_password(user: User, password: str) -> None:
    """Store a password and unlock the account. The caller records it."""
    Credential.objects.using("signin").update_or_create(
        user_id=user.pk,
        defaults={
            "password": make_password(password),
            "failed_attempts": 0,
            "locked_until": None,
        },
    )


def sessions_of(user: User) -> list[Session]:
    """The person's open sessions, the most recently used first."""
    return list(
        Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at")
    )


def end_session(request: Request, public_id: UUID) -> None:
    """End one of the person's own sessions. One that is not theirs counts as ended already."""
    session = Session.objects.filter(user=request.user, public_id=public_id).first()
    if session is None:
        return
    with transaction.atomic():
        log.append(SessionEnded(
                object=session.public_id, reason="own_choice", account=request.user.public_id
            ), context=request.record)
        _end(session)


def end_all_sessions(user: User) -> None:
    """End every session of a person, in browsers and in the database."""
    for session in Session.objects.filter(user=user):
        _end(session)


def _end(session: Session) -> None:
    sessions.close_identity(session.public_id)
    session.delete()


def device_of(request: Request) -> str:
    """What a person would call the browser they sit at: "Firefox on Windows"."""
    agent = request.headers.get("User-Agent", "")
    browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
                ("Safari/", "Safari"))
    systems = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"),
               ("iPad", "iPad"), ("Mac OS", "macOS"), ("Linux", "Linux"))
    browser = next((name for mark, name in browsers if mark in agent), "A browser")
    system = next((name for mark, name in systems if mark in agent), "an unknown system")
    return f"{browser} on {system}"
