"""An operator's command line acts as a person: on the record, with that person's rights only."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from assistant.accounts import sessions
from assistant.accounts.models import User
from compliance import log
from compliance.events import CommandRun, Context

HOURS = 12


class NoSuchPerson(Exception):
    """There is no active account of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """The person acted for, the token that enters their identity, and the context of events."""

    user: User
    token: str
    record: Context


@contextmanager
def acting_as(username: str, *, command: str) -> Iterator[Acting]:
    """Open a session for a command and close it afterwards.

    Raises NoSuchPerson, and NotRecorded when the command cannot be recorded.
    """
    user = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if user is None:
        raise NoSuchPerson(f"There is no active account called {username}.")
    session_id = uuid4()
    record = Context(actor=user.public_id, session=session_id, request=uuid4())
    with transaction.atomic():
        log.append(CommandRun(command=command), context=record)
    token = secrets.token_urlsafe(32)
    sessions.open_identity(
        token,
        user_id=user.pk,
        session_id=session_id,
        until=timezone.now() + timedelta(hours=HOURS),
    )
    try:
        yield Acting(user=user, token=token, record=record)
    finally:
        sessions.close_identity(session_id)
