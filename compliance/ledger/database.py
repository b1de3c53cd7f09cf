"""Connections of the ledger's own processes, which carry no Django."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from compliance.ledger.errors import CannotRun

ADDRESS_VARIABLE = "CLOISTER_LEDGER_DATABASE"
"""Where a process of the ledger finds its database, as its own role."""

Database = psycopg.Connection[tuple[Any, ...]]

_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 60
# The ledger's functions and policies know this search path where roles are not separate.
_OPTIONS = "-c search_path=pg_catalog,public,pg_temp -c statement_timeout={statement}s"


def connect(address: str, *, name: str, statement_seconds: int = _STATEMENT_SECONDS) -> Database:
    """Open a connection, in autocommit. `name` is what the server lists it as."""
    return psycopg.connect(
        address,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        application_name=name,
        options=_OPTIONS.format(statement=statement_seconds),
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )


@contextmanager
def snapshot(database: Database) -> Iterator[None]:
    """One unchanging view of everything. Inside a transaction it is that transaction's view."""
    is_first = database.info.transaction_status is TransactionStatus.IDLE
    with database.transaction():
        if is_first:
            database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def address_from_environment() -> str:
    """The address this process was started with. Raises CannotRun when it has none."""
    address = os.environ.get(ADDRESS_VARIABLE, "")
    if not address:
        raise CannotRun(
            f"{ADDRESS_VARIABLE} names no database. Start this with `manage.py sequencer`, "
            "`manage.py signer` or `manage.py up`."
        )
    return address
