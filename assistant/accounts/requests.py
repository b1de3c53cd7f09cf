"""A request of somebody who is signed in, as the middleware has prepared it."""

from uuid import UUID

from django.http import HttpRequest

from assistant.accounts.models import User
from assistant.accounts.sessions import SessionStore
from compliance.events import Context


class Request(HttpRequest):
    """What views may rely on. `token` enters the person's identity; `record` goes into events.

    `halfway` is somebody who has given a password and no second factor yet; `user` is nobody then.
    """

    user: User
    halfway: User | None
    session: SessionStore
    token: str
    record: Context
    reference: UUID
