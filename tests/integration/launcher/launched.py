"""A launcher of a test's own: `manage.py up` with real PostgreSQL and Valkey."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.installation import CHECKOUT

PARTS = ("postgres", "valkey", "sequencer", "signer", "answers", "documents", "web")
START_SECONDS = 120.0


class Launched:
    """A running `manage.py up`, what it printed, and what it says of itself."""

    def __init__(self, home: Path, port: int, *, words: Sequence[str] = ("--no-model",)) -> None:
        self.home = home
        self.port = port
        self.output = home / "up.log"
        self.process = launch(home, port, self.output, words=words)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.home / "run" / "state.json").read_text())
        return state

    def wait_ready(self) -> None:
        wait_until(
            lambda: "Ctrl-C stops everything" in self.output.read_text(),
            seconds=START_SECONDS,
            unless=lambda: self.process.poll() is not None,
            says=lambda: self.output.read_text(),
        )

    def wait_replaced(self, part: str, old: int) -> None:
        """Wait until a part runs as another process."""

        def replaced() -> bool:
            with contextlib.suppress(KeyError, FileNotFoundError):
                return bool(self.state()["pids"][part] != old)
            return False

        wait_until(replaced, seconds=30, says=lambda: self.output.read_text())

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.process.kill()
        self.process.wait()


def launch(
    home: Path, port: int, output: Path, *, words: Sequence[str] = ("--no-model",)
) -> "subprocess.Popen[bytes]":
    """Start `manage.py up` as an operator does, in a session of its own."""
    variables = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("CLOISTER_") and key not in ("DATABASE_URL", "REDIS_URL")
    }
    with output.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "manage.py", "up", *words, "--port", str(port)],
            cwd=CHECKOUT,
            env=variables | {"CLOISTER_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until(
    holds: Callable[[], bool],
    *,
    seconds: float,
    unless: Callable[[], bool] = lambda: False,
    says: Callable[[], str] = lambda: "",
) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        if unless() or time.monotonic() > give_up_at:
            raise AssertionError(f"It did not happen within {seconds} s.\n{says()}")
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return fields[0] != "Z"


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def new_home() -> Path:
    """A data folder that the user `nobody` can enter, as the launcher itself makes it."""
    home = Path(tempfile.mkdtemp(prefix="cloister-launcher-"))
    home.chmod(0o711)
    return home
