"""Browser sessions: the cookie's key stays out of the database, and each opens an identity.

Two things belong to a signed-in browser. Django's session (a row under the hash of its key), and
the database's own session, which lets a transaction take on the person's identity (see
identity.py). Both start in `sign_in` and end in `end`.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import connections, router, transaction
from django.utils import timezone

from assistant.accounts.models import Session


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
