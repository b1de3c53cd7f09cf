"""A whole installation, started as an operator starts it, with a data folder of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0
SHARED_DATA = Path(os.environ.get("CLOISTER_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def set_apart(prefix: str, *, model_port: int) -> Path:
    """Give this process and what it starts a data folder of their own; returns it.

    To be called before anything reads the configuration.
    """
    home = Path(tempfile.mkdtemp(prefix=prefix))
    home.chmod(0o711)
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "CLOISTER_HOME": str(home),
        "CLOISTER_PORT": str(free_port()),
        "CLOISTER_MODELS": f"scout=http://127.0.0.1:{model_port}/v1",
        "DJANGO_SETTINGS_MODULE": "assistant.settings",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    return home


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
                    if part == "postgres":
                        # This process's own connections died with the server.
                        connections.close_all()
                        self._wait_for_database(give_up_at)
                    return
            time.sleep(0.1)
        raise AssertionError(f"{part} was not started again within {seconds} s")

    def _wait_for_database(self, give_up_at: float) -> None:
        """Wait until the server has recovered and lets somebody in."""
        address = self.state()["databases"]["superuser"]
        while time.monotonic() < give_up_at:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(address, connect_timeout=2).close()
                return
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether the web server takes connections."""
        port = int(self.address.rsplit(":", 1)[1])
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


@contextmanager
def started(home: Path) -> Iterator[Installation]:
    """Start everything, wait until it works, and stop it afterwards."""
    installation = Installation(home)
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=CHECKOUT,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_ready(home, process)
            yield installation
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def _wait_ready(home: Path, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + START_SECONDS
    log = home / "up.log"
    while time.monotonic() < give_up_at and process.poll() is None:
        if "Ctrl-C stops everything" in log.read_text(errors="replace"):
            return
        time.sleep(0.1)
    logs = "\n".join(
        f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}"
        for path in [log, *sorted((home / "logs").glob("*.log"))]
    )
    raise RuntimeError(f"The installation under test did not start.\n{logs}")


def point_django_at(state: dict[str, Any]) -> None:
    """Let this process use the installation's database and broker, with the same roles."""
    from django.conf import settings

    from assistant.broker import app
    from assistant.settings import database

    pool = {"min_size": 0, "max_size": 24, "timeout": 5, "reconnect_timeout": 3}
    for alias, role in (("default", "app"), ("record", "app"), ("signin", "signin")):
        connections.settings[alias].update(database(state["databases"][role], pool=pool))
    connections.settings["owner"].update(database(state["databases"]["owner"]))
    settings.LEDGER_DATABASES.update(
        {role: state["databases"][role] for role in ("sequencer", "signer")}
    )
    settings.REDIS_URL = state["redis"]
    app.conf.update(broker_url=state["redis"])


def close_connections() -> None:
    """Give every connection of this process back."""
    connections.close_all()
    for alias in ("default", "record", "signin"):
        with contextlib.suppress(Exception):
            connections[alias].close_pool()  # type: ignore[attr-defined]
