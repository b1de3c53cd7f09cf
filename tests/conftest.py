"""One running installation for all tests that need one: real PostgreSQL, Valkey, workers and web.

Only the model server is played, by a real HTTP server that is told what to say. The record only
grows, so nothing is wiped between tests: each makes people and matters of its own.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest

from tests.installation import (
    SHARED_DATA,
    Installation,
    close_connections,
    free_port,
    point_django_at,
    set_apart,
    started,
)
from tests.model_server import ModelServer
from tests.sign_on import environment as sign_on
from tests.sign_on.fixtures import folder as folder
from tests.sign_on.fixtures import ldap as ldap
from tests.sign_on.fixtures import openid as openid
from tests.sign_on.fixtures import saml as saml

MODEL_PORT = free_port()
# Before anything reads the configuration.
HOME = set_apart("cloister-tests-", model_port=MODEL_PORT)
os.environ |= {
    "CLOISTER_LEASE_SECONDS": "5",
    "CLOISTER_FIRST_TOKEN_SECONDS": "10",
    "CLOISTER_BETWEEN_TOKENS_SECONDS": "5",
    "CLOISTER_SESSION_HOURS": "2",
}
os.environ |= sign_on.prepare(
    HOME,
    site=f"http://127.0.0.1:{os.environ['CLOISTER_PORT']}",
    ports={name: free_port() for name in ("openid", "saml", "ldap")},
)
django.setup()


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The model server of the installation under test."""
    with ModelServer(model="scout", port=MODEL_PORT) as server:
        yield server


@pytest.fixture(scope="session")
def installation(model_server: ModelServer) -> Iterator[Installation]:
    """Cloister, started as an operator starts it."""
    with started(HOME) as installation:
        point_django_at(installation.state())
        try:
            yield installation
        finally:
            close_connections()
    # Not reached when something failed to start: then its logs are worth keeping.
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def database(installation: Installation) -> Installation:
    """A migrated database, reached by Django's aliases in this process."""
    return installation


@pytest.fixture
def model(model_server: ModelServer) -> Iterator[ModelServer]:
    """The model server with nothing left to say from an earlier test."""
    model_server.reset()
    yield model_server
    model_server.reset()


@pytest.fixture
def superuser(database: Installation) -> Callable[..., list[tuple[Any, ...]]]:
    """Run SQL as the database's administrator, who passes row security."""
    import psycopg

    def run(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        address = database.state()["databases"]["superuser"]
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real documents and questions; tests that need them are skipped, loudly, without."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no evaluation data at {SHARED_DATA}; set CLOISTER_SHARED_DATA")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: their driver keeps an event loop, in which no other can be run."""
    items.sort(key=lambda item: "tests/browser/" in item.path.as_posix())
