"""The database backend that settings name.

The pool of psycopg checks one idle connection at a time and pauses, longer each time, between dead
ones. After a restart of the server all of them are dead, and a process with a dozen answered
nothing for a minute. Here the first dead one clears the others away.
"""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool


def check(connection: "Connection[Any]") -> None:
    """Raise when a connection is dead, and clear its pool: its neighbours died with it."""
    if _is_quiet(connection):
        return
    pool = getattr(connection, "_pool", None)
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        if pool is not None:
            pool.drain()
        raise


def _is_quiet(connection: "Connection[Any]") -> bool:
    """Whether the server's end is open and has said nothing: a server that ended would have."""
    if connection.closed:
        return False
    # Asking the server instead would be one more wait before the first statement.
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    return not heard.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the pool's check."""

    @property
    def pool(self) -> Any:
        """This alias's pool, or None when it has none."""
        pool = super().pool
        if pool is not None:
            # Django passes its own check and lets no option replace it.
            pool._check = check
        return pool
