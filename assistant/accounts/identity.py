"""Who the database believes it is talking to, one transaction at a time.

    with identity.entered(token):
        ...                       # row security now sees this person

A transaction that has entered nobody sees no content at all. The identity is a setting of the
transaction, signed by the database with a key the application cannot read, so it ends with the
transaction and cannot be forged or carried to the next user of a pooled connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

INVALID_AUTHORIZATION = "28000"


class NotSignedIn(Exception):
    """The token is unknown, expired or closed."""


@contextmanager
def entered(token: str) -> Iterator[int]:
    """Run a transaction as the person `token` belongs to; yields their user id.

    Raises NotSignedIn, before anything has run, when the token opens no session.
    """
    with transaction.atomic():
        yield _enter(token)


def _enter(token: str) -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select auth.enter(%s)", [token])
            row = cursor.fetchone()
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == INVALID_AUTHORIZATION:
            raise NotSignedIn from error
        raise
    user_id: int = row[0]
    return user_id


def delegate(token: str, *, minutes: int, outlives_session: bool = False) -> None:
    """Open `token` for work on behalf of whoever is entered now.

    It ends with the session it was begun in, unless it `outlives_session`. What the person may do
    is decided anew whenever the token is entered.
    """
    with connection.cursor() as cursor:
        cursor.execute("select auth.delegate(%s, %s, %s)", [token, minutes, outlives_session])
