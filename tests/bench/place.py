"""Where a bench runs: an installation of its own, with a mock model server in its own process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.installation import (
    CHECKOUT,
    Installation,
    close_connections,
    point_django_at,
    started,
)

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Place:
    """A running installation, and the port its model is expected at."""

    installation: Installation
    model_port: int

    @contextmanager
    def model(self, *, ttft_ms: int, itl_ms: int, tokens: int) -> Iterator[str]:
        """A model server with this timetable; yields its address."""
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.model_server", "--model", "scout"),
                *("--port", str(self.model_port), "--ttft-ms", str(ttft_ms)),
                *("--itl-ms", str(itl_ms), "--tokens", str(tokens)),
            ],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(10)

    def cpu_seconds(self, *parts: str) -> float:
        """Processor time that these parts have used so far."""
        pids = self.installation.state()["pids"]
        return sum(_cpu_seconds(pids[part]) for part in parts)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


@contextmanager
def opened(home: Path, model_port: int) -> Iterator[Place]:
    """Start the installation, and take it away afterwards."""
    with started(home) as installation:
        point_django_at(installation.state())
        try:
            yield Place(installation, model_port)
        finally:
            close_connections()
    shutil.rmtree(home, ignore_errors=True)
