"""Where a bench runs: an installation of its own, with a mock model server in its own process."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.installation import (
    CHECKOUT,
    Installation,
    close_connections,
    free_port,
    point_django_at,
    started,
)

SHARED_DATA = Path(os.environ.get("CLOISTER_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
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


def prepare() -> Path:
    """Set the environment, before anything reads it; returns the data folder."""
    home = Path(tempfile.mkdtemp(prefix="cloister-bench-"))
    home.chmod(0o711)
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "CLOISTER_HOME": str(home),
        "CLOISTER_PORT": str(free_port()),
        "CLOISTER_MODELS": f"scout=http://127.0.0.1:{free_port()}/v1",
        "DJANGO_SETTINGS_MODULE": "assistant.settings",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    return home


@contextmanager
def opened(home: Path) -> Iterator[Place]:
    """Start the installation, and take it away afterwards."""
    port = int(os.environ["CLOISTER_MODELS"].rsplit(":", 1)[1].removesuffix("/v1"))
    with started(home) as installation:
        point_django_at(installation.state())
        try:
            yield Place(installation, port)
        finally:
            close_connections()
    shutil.rmtree(home, ignore_errors=True)
