"""A request of somebody who is signed in, as the middleware has prepared it."""

from uuid import UUID

from django.http import HttpRequest

from assistant.accounts.models import User
from assistant.accounts.sessions import SessionStore
from compliance.events import Context


class Request(HttpRequest):
    """What views may rely on. `token` enters the person's identity; `record` goes into events."""

    user: User
    session: SessionStore
    token: str
    record: Context
    reference: UUID
