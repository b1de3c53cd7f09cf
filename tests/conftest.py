"""One running installation for all tests that need one: real PostgreSQL, Valkey, workers and web.

Only the model server is played, by a real HTTP server that is told what to say. The record only
grows, so nothing is wiped between tests: each makes people and matters of its own.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest

from tests.model_server import ModelServer

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0
SHARED_DATA = Path(os.environ.get("CLOISTER_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Before anything reads the configuration: tests have a data folder of their own.
HOME = Path(tempfile.mkdtemp(prefix="cloister-tests-"))
HOME.chmod(0o711)
MODEL_PORT = _free_port()
for _name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(_name, None)
os.environ |= {
    "CLOISTER_HOME": str(HOME),
    "CLOISTER_PORT": str(_free_port()),
    "CLOISTER_MODELS": f"scout=http://127.0.0.1:{MODEL_PORT}/v1",
    "CLOISTER_LEASE_SECONDS": "5",
    "CLOISTER_FIRST_TOKEN_SECONDS": "10",
    "CLOISTER_BETWEEN_TOKENS_SECONDS": "5",
    "CLOISTER_SESSION_HOURS": "2",
    "DJANGO_SETTINGS_MODULE": "assistant.settings",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
django.setup()


class Installation:
    """The installation under test, and the means to hurt it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{os.environ['CLOISTER_PORT']}"

    def state(self) -> dict[str, Any]:
        """What it says of itself now."""
        state: dict[str, Any] = json.loads((self.home / "run" / "state.json").read_text())
        return state

    def kill(self, part: str) -> int:
        """End a part the hard way; returns the process id it had."""
        pid: int = self.state()["pids"][part]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_replaced(self, part: str, old_pid: int, *, seconds: float = 60) -> None:
        """Wait until the launcher has started a part again and the site answers."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            with contextlib.suppress(OSError, ValueError, KeyError):
                if self.state()["pids"][part] not in (old_pid, None) and self.answers():
                    return
            time.sleep(0.1)
        raise AssertionError(f"{part} was not started again within {seconds} s")

    def answers(self) -> bool:
        """Whether the web server takes connections."""
        port = int(os.environ["CLOISTER_PORT"])
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    def manage(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a `manage.py` command as an operator would."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CHECKOUT,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The model server of the installation under test."""
    with ModelServer(model="scout", port=MODEL_PORT) as server:
        yield server


@pytest.fixture(scope="session")
def installation(model_server: ModelServer) -> Iterator[Installation]:
    """Cloister, started as an operator starts it."""
    installation = Installation(HOME)
    log = (HOME / "up.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=CHECKOUT,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_ready(installation, process)
        _point_django_at(installation.state())
        yield installation
    finally:
        _close_connections()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        log.close()


def _wait_ready(installation: Installation, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + START_SECONDS
    log = HOME / "up.log"
    while time.monotonic() < give_up_at and process.poll() is None:
        if "Ctrl-C stops everything" in log.read_text(errors="replace"):
            return
        time.sleep(0.1)
    logs = "\n".join(
        f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}"
        for path in [log, *sorted((HOME / "logs").glob("*.log"))]
    )
    raise RuntimeError(f"The installation under test did not start.\n{logs}")


def _point_django_at(state: dict[str, Any]) -> None:
    """Let this process use the installation's database and broker, with the same roles."""
    from django.conf import settings
    from django.db import connections

    from assistant.celery import app
    from assistant.settings import database

    for alias, role in (("default", "app"), ("record", "app"), ("signin", "signin")):
        connections.settings[alias].update(
            database(state["databases"][role], pool={"min_size": 0, "max_size": 24, "timeout": 10})
        )
    connections.settings["owner"].update(database(state["databases"]["owner"]))
    settings.REDIS_URL = state["redis"]
    app.conf.broker_url = state["redis"]


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
    for alias in ("default", "record", "signin"):
        with contextlib.suppress(Exception):
            connections[alias].close_pool()  # type: ignore[attr-defined]


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
