"""What every page reminds its reader of."""

from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from assistant.access import reminders
from assistant.accounts.identity import NotSignedIn, entered


def reminded(request: HttpRequest) -> dict[str, Any]:
    """The reader's reminders, looked up when a template first asks for them."""
    return {"reminders": SimpleLazyObject(lambda: _reminders(request))}


def _reminders(request: HttpRequest) -> reminders.Reminders:
    token = getattr(request, "token", "")
    if not token:
        return reminders.Reminders()
    if connection.in_atomic_block:
        # The view's own transaction, which has entered its person.
        return reminders.mine()
    try:
        with entered(token):
            return reminders.mine()
    except NotSignedIn:
        return reminders.Reminders()
