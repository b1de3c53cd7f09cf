"""The database backend that settings name.

The pool of psycopg checks one idle connection at a time and pauses, longer each time, between dead
ones. After a restart of the server all of them are dead, and a process with a dozen answered
nothing for a minute. Here the first dead one clears the others away.
"""

from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool


def check(connection: "Connection[Any]") -> None:
    """Raise when a connection is dead, and clear its pool: its neighbours died with it."""
    pool = getattr(connection, "_pool", None)
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        if pool is not None:
            pool.drain()
        raise


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
