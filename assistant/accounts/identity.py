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

from assistant.postgresql.prepared import Parameters, Row, first_rows

INVALID_AUTHORIZATION = "28000"
_ENTER = "select auth.enter(%s)"


class NotSignedIn(Exception):
    """The token is unknown, expired or closed."""


@contextmanager
def entered(token: str) -> Iterator[int]:
    """Run a transaction as the person `token` belongs to; yields their user id.

    Raises NotSignedIn, before anything has run, when the token opens no session.
    """
    with transaction.atomic():
        yield _enter(token)


@contextmanager
def entered_asking(token: str, statement: str, parameters: Parameters) -> Iterator[Row]:
    """`entered`, together with the transaction's first statement; yields its first row, or None.

    Both wait for the database once. Raises NotSignedIn, and the statement has not run.
    """
    with transaction.atomic():
        with _told_apart():
            _, row = first_rows((_ENTER, [token]), (statement, parameters))
        yield row


def asked_as(token: str, statement: str, parameters: Parameters) -> Row:
    """Enter an identity for this one statement, and commit; its first row, or None.

    A whole transaction in one round trip. Raises NotSignedIn, and the statement has not run.
    """
    connection.ensure_connection()
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("asked_as commits, so it cannot be nested.")
    with _told_apart():
        # Statements that are sent together outside a transaction are one transaction of their own.
        _, row = first_rows((_ENTER, [token]), (statement, parameters))
    return row


def _enter(token: str) -> int:
    with _told_apart(), connection.cursor() as cursor:
        cursor.execute(_ENTER, [token])
        user_id: int = cursor.fetchone()[0]
    return user_id


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a token that opens nothing from a database that cannot answer."""
    try:
        yield
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == INVALID_AUTHORIZATION:
            raise NotSignedIn from error
        raise


def delegate(token: str, *, minutes: int, outlives_session: bool = False) -> None:
    """Open `token` for work on behalf of whoever is entered now.

    It ends with the session it was begun in, unless it `outlives_session`. What the person may do
    is decided anew whenever the token is entered.
    """
    with connection.cursor() as cursor:
        cursor.execute("select auth.delegate(%s, %s, %s)", [token, minutes, outlives_session])
