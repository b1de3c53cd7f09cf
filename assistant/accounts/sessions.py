"""Browser sessions: the cookie's key stays out of the database, and each opens an identity.

Two things belong to a signed-in browser. Django's session (a row under the hash of its key), and
the database's own session, which lets a transaction take on the person's identity (see
identity.py). The first starts with a password, the second with a second factor; both end in `end`.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import connection, connections, router, transaction
from django.utils import timezone

from assistant.accounts.models import Session
from compliance import log
from compliance.events import Context, SessionEnded

SEEN_EVERY = timedelta(seconds=60)
"""How exactly it is known when a session was last used."""

MOST_REMEMBERED = 10_000

# When the database is next to be asked about a session, for those that this process has noted.
_ask_again_at: dict[UUID, datetime] = {}


def stored_key(key: str) -> str:
    """What the table holds in place of the cookie's key."""
    return hashlib.sha256(key.encode()).hexdigest()


def identity_token(key: str) -> str:
    """The database's token for this session, derived so that it need not be stored anywhere."""
    return hmac.new(settings.SECRET_KEY.encode(), b"identity" + key.encode(), "sha256").hexdigest()


class SessionStore(DatabaseStore):
    """Django's database sessions, found by the hash of their key."""

    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found: Session | None = Session.objects.filter(
            session_key=stored_key(self.session_key or ""), expire_date__gt=timezone.now()
        ).first()
        if found is None:
            self._session_key = None
        self.row = found
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=stored_key(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=stored_key(key)).delete()

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        values = {
            "session_data": self.encode(data),
            "expire_date": self.get_expiry_date(),
            "user_id": data.get("_auth_user_id"),
            "device": data.get("device", ""),
        }
        key = stored_key(self.session_key)
        using = router.db_for_write(Session)
        with transaction.atomic(using=using):
            if must_create:
                _, created = Session.objects.get_or_create(session_key=key, defaults=values)
                if not created:
                    raise CreateError
            elif not Session.objects.filter(session_key=key).update(**values):
                raise UpdateError


def open_identity(token: str, *, user_id: int, session_id: UUID, until: datetime) -> None:
    """Let transactions enter this person's identity with `token` until `until`."""
    with connections["signin"].cursor() as cursor:
        cursor.execute(
            "select auth.open_session(%s, %s, %s, %s)", [token, user_id, session_id, until]
        )


def close_identity(session_id: UUID) -> None:
    """From now on this session enters nothing, nor does any work that was begun in it."""
    with connections["signin"].cursor() as cursor:
        cursor.execute("select auth.close_session(%s)", [session_id])


def row_of(store: SessionStore) -> Session:
    """The row behind a session that was just saved."""
    row = Session.objects.get(session_key=stored_key(store.session_key or ""))
    store.row = row
    return row


def idle_after() -> timedelta:
    """How long a session may go unused."""
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def is_idle(session: Session) -> bool:
    """Whether the session has gone unused for too long."""
    return timezone.now() - session.last_seen_at > idle_after()


def seen(public_id: UUID) -> None:
    """Note that the person has just used this session."""
    now = timezone.now()
    if now < _ask_again_at.get(public_id, now):
        return
    rows = Session.objects.filter(public_id=public_id, last_seen_at__lt=now - SEEN_EVERY)
    is_noted = bool(rows.update(last_seen_at=now))
    if len(_ask_again_at) >= MOST_REMEMBERED:
        _ask_again_at.clear()
    # Noted now, it says so for a while; noted by somebody else, it may be due in a moment.
    _ask_again_at[public_id] = now + (SEEN_EVERY if is_noted else SEEN_EVERY / 10)


def end(session: Session, *, reason: str, record: Context) -> bool:
    """End a session and record why; False when somebody else has ended it already."""
    with transaction.atomic():
        if not Session.objects.filter(pk=session.pk).delete()[0]:
            return False
        ended = SessionEnded(object=session.public_id, reason=reason, account=_account_of(session))
        log.append(ended, context=record)
        close_identity(session.public_id)
    return True


def close(session: Session) -> None:
    """End a session as part of something that the caller records."""
    close_identity(session.public_id)
    session.delete()


def open_among(public_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these sessions are still open. Those that went unused for too long are ended."""
    wanted = list(public_ids)
    limit = timezone.now() - idle_after()
    for idle in Session.objects.filter(public_id__in=wanted, last_seen_at__lt=limit):
        end(idle, reason="idle", record=Context())
    with connection.cursor() as cursor:
        cursor.execute("select auth.open_among(%s)", [wanted])
        return {public_id for (public_id,) in cursor.fetchall()}


def _account_of(session: Session) -> UUID | None:
    return session.user.public_id if session.user is not None else None
