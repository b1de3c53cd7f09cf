"""Signing in and out, changing the password, one's own sessions.

Signing in takes two steps. After the first (`begin`) the browser has a session that opens nothing:
no page but those of the second step, and no identity in the database. The second (`complete`)
opens both. Passwords are checked on a connection whose role alone can read credentials. Every
attempt is recorded.
"""

import logging
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, logout
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.middleware.csrf import rotate_token
from django.utils import timezone

from assistant.accounts import factors, sessions
from assistant.accounts.attempts import LOCKED, SIGNIN, Locked, Wrong, attempt, forgive
from assistant.accounts.models import Credential, Session, User, new_session_secret
from assistant.accounts.requests import Request
from compliance import log
from compliance.events import (
    BrowserNamed,
    Context,
    PasswordChanged,
    SignedIn,
    SignedOut,
    SignInBegun,
    SignInFailed,
    SignInFailure,
)

HALFWAY = timedelta(minutes=30)
"""How long a second step may take; setting one up for the first time takes a while."""

BACKEND = "assistant.accounts.signin.PasswordBackend"
WRONG = "That name and password do not belong together. Check both and try again."
DEVICE_COOKIE_DAYS = 400
DEVICE_SALT = "cloister.device"
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
    """Check a password and begin a session, which a second factor completes.

    Raises SignInRefused with a sentence that does not tell whether the name exists, and
    NotRecorded when the record cannot be written: then nobody is signed in.
    """
    user = _whose_password(username, password)
    begin(request, user, via="password", factor_done=False)
    return user


def begin(request: Request, user: User, *, via: str, factor_done: bool) -> None:
    """Begin a session for somebody whose identity was proved by `via` ("password", "oidc", ...).

    It is complete at once when a second factor was given there already (`factor_done`), or when
    the person has none and need not have one yet. Otherwise every page leads to the second step.
    """
    request.session.flush()
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = BACKEND
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.session["device"] = device_of(request)
    request.session["via"] = via
    request.session.set_expiry(timezone.now() + HALFWAY)
    request.session.save()
    request.user = user
    rotate_token(request)
    if factor_done:
        complete(request, user, factor="elsewhere")
    elif user.may_defer_second_factor(timezone.now()) and not factors.owned_by(user).any:
        complete(request, user, factor="")
    else:
        _record_beginning(request, user, via)


def _record_beginning(request: Request, user: User, via: str) -> None:
    session = sessions.row_of(request.session)
    context = Context(actor=user.public_id, session=session.public_id, request=uuid4())
    try:
        with transaction.atomic():
            log.append(SignInBegun(object=user.public_id, method=via), context=context)
    except Exception:
        request.session.flush()
        raise


def complete(request: Request, user: User, *, factor: str) -> None:
    """Open what a session is for: pages, and the person's identity in the database.

    `factor` is the second factor that was given, or empty. Event, marks and identity are written
    in one transaction of the sign-in connection; when it fails, nobody is signed in.
    """
    request.session.cycle_key()
    via = request.session.pop("via", "password")
    request.session.pop("passed", None)
    until = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    request.session.set_expiry(until)
    request.session.save()
    session = sessions.row_of(request.session)
    context = Context(actor=user.public_id, session=session.public_id, request=uuid4())
    now = timezone.now()
    try:
        with transaction.atomic(using=SIGNIN):
            method = f"{via}+{factor}" if factor else via
            log.append(
                SignedIn(object=user.public_id, method=method), context=context, using=SIGNIN
            )
            Session.objects.using(SIGNIN).filter(pk=session.pk).update(
                signed_in_at=now, stepped_up_at=now, factor=factor
            )
            forgive(user)
            sessions.open_identity(
                sessions.identity_token(request.session.session_key or ""),
                user_id=user.pk,
                session_id=session.public_id,
                until=until,
            )
    except Exception:
        request.session.flush()
        raise
    User.objects.filter(pk=user.pk).update(last_login=now)
    rotate_token(request)


def _whose_password(username: str, password: str) -> User:
    """The active person this name and password belong to; raises SignInRefused otherwise."""
    user = User.objects.filter(username__iexact=username.strip()).first()
    if user is None or not user.is_active:
        check_password(password, _NOBODY)
        failure = SignInFailure.DISABLED if user else SignInFailure.UNKNOWN_ACCOUNT
        raise _refusal(user, failure)
    try:
        attempt(user, lambda credential: check_password(password, credential.password) or None)
    except Wrong:
        raise _refusal(user, SignInFailure.WRONG_PASSWORD) from None
    except Locked:
        raise _refusal(user, SignInFailure.LOCKED) from None
    return user


def check_own_password(record: Context, user: User, password: str) -> None:
    """Raise SignInRefused unless this is the person's password."""
    try:
        attempt(user, lambda credential: check_password(password, credential.password) or None)
    except (Wrong, Locked) as error:
        locked = isinstance(error, Locked)
        failure = SignInFailure.LOCKED if locked else SignInFailure.WRONG_PASSWORD
        log.append_alone(SignInFailed(object=user.public_id, reason=failure), context=record)
        raise SignInRefused(LOCKED if locked else "That is not your password.") from None


def has_password(user: User) -> bool:
    """Whether the person signs in with a password of this site."""
    credential = Credential.objects.using(SIGNIN).filter(user_id=user.pk).first()
    return credential is not None and not credential.password.startswith("!")


def _refusal(user: User | None, failure: SignInFailure) -> SignInRefused:
    """What the person is told, after it has been recorded."""
    log.append_alone(
        SignInFailed(object=user.public_id if user else None, reason=failure), context=Context()
    )
    return SignInRefused(LOCKED if failure is SignInFailure.LOCKED else WRONG)


def sign_out(request: Request) -> None:
    """End this browser's session everywhere, or a sign-in that was not completed."""
    if request.halfway is not None and request.session.row is not None:
        sessions.end(request.session.row, reason="not_completed", record=request.record)
    elif request.user.is_authenticated:
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
    try:
        check_own_password(request.record, user, old)
    except SignInRefused as error:
        is_locked = str(error) == LOCKED
        raise ValidationError(
            LOCKED if is_locked else "The present password is not right."
        ) from None
    validate_password(new, user)
    others = other_sessions(request)
    with transaction.atomic():
        log.append(
            PasswordChanged(object=user.public_id, sessions_ended=len(others)),
            context=request.record,
        )
        user.session_secret = new_session_secret()
        user.must_change_password = False
        user.save(update_fields=["session_secret", "must_change_password"])
        set_password(user, new)
    for session in others:
        sessions.close(session)
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


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


def other_sessions(request: Request) -> list[Session]:
    """The person's open sessions in other browsers."""
    return [each for each in sessions_of(request.user) if each.public_id != request.record.session]


def end_session(request: Request, public_id: UUID) -> None:
    """End one of the person's own sessions. One that is not theirs counts as ended already."""
    session = Session.objects.filter(user=request.user, public_id=public_id).first()
    if session is not None:
        sessions.end(session, reason="own_choice", record=request.record)


def end_other_sessions(request: Request) -> int:
    """End every session of the person but this one; returns how many."""
    return sum(
        sessions.end(session, reason="own_choice", record=request.record)
        for session in other_sessions(request)
    )


def end_all_sessions(user: User) -> None:
    """End every session of a person, in browsers and in the database. The caller records it."""
    for session in Session.objects.filter(user=user):
        sessions.close(session)


def mark_factor(request: Request, factor: str) -> None:
    """Note that the person of this session has a second factor by now."""
    if request.session.row is not None:
        rows = Session.objects.using(SIGNIN).filter(pk=request.session.row.pk)
        rows.update(factor=factor)


def name_browser(request: Request, name: str) -> str:
    """Call the browser in front of the person something; returns what it is called now.

    The name is shown in the list of sessions. The page keeps it in a cookie for the next sign-in.
    """
    chosen = " ".join(name.split())[:60] or _described(request)
    with transaction.atomic():
        log.append(BrowserNamed(object=request.record.session), context=request.record)
        request.session["device"] = chosen
        request.session.save()
    return chosen


def device_of(request: Request) -> str:
    """What the browser was named, or else what a person would call it: "Firefox on Windows"."""
    named = request.get_signed_cookie(settings.DEVICE_COOKIE_NAME, "", salt=DEVICE_SALT)
    return str(named)[:60] or _described(request)


def _described(request: Request) -> str:
    agent = request.headers.get("User-Agent", "")
    browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
                ("Safari/", "Safari"))
    systems = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"),
               ("iPad", "iPad"), ("Mac OS", "macOS"), ("Linux", "Linux"))
    browser = next((name for mark, name in browsers if mark in agent), "A browser")
    system = next((name for mark, name in systems if mark in agent), "an unknown system")
    return f"{browser} on {system}"
