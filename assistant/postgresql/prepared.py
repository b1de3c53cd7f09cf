"""Statements that every question waits for: prepared on their connection, and sent together.

Django binds parameters into the text and has each statement planned anew, with a round trip of its
own. That is right for most. Here the server keeps the plan, and several statements cost one wait.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection

Parameters = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...] | None


def first_row(statement: str, parameters: Parameters) -> Row:
    """Run a statement; its first row, or None. Raises Django's database errors."""
    return first_rows((statement, parameters))[0]


def first_rows(*statements: tuple[str, Parameters]) -> list[Row]:
    """Run statements in this order, all sent at once; the first row of each, or None.

    Raises Django's database errors for the first that fails; those after it have not run.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    server: psycopg.Connection[tuple[Any, ...]] = connection.connection
    with connection.wrap_database_errors:
        with server.pipeline():
            # A cursor of psycopg's own: Django's binds in the client.
            cursors = [
                psycopg.Cursor(server).execute(statement, parameters, prepare=True)
                for statement, parameters in statements
            ]
        return [cursor.fetchone() for cursor in cursors]
