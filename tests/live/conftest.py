"""A real vLLM for the tests of this folder: the engine and weights that the set-up installed."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from assistant.launcher import models
from assistant.launcher.home import Home
from tests.installation import CHECKOUT, free_port

MODEL = "smollm2-135m"
NAME = "scout"
# Two shared cores load it in half a minute; a busy machine takes several times that.
LOADING_SECONDS = 600.0


@pytest.fixture(scope="session")
def set_up() -> Home:
    """The data folder that `make setup` has filled; `make test` always has one."""
    home = Home(folder=Path(os.environ.get("CLOISTER_SETUP_HOME") or CHECKOUT / "var").resolve())
    weights = home.folder / "models" / MODEL / "weights.json"
    missing = [path for path in (home.engine_python, weights) if not path.exists()]
    if missing:
        pytest.skip(f"no real model server: {missing[0]} is not installed; run `make setup`")
    return home


@pytest.fixture(scope="module")
def model_address(
    set_up: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Address and served name of a vLLM, started with the launcher's own command line.

    It ends with its module, because two at a time would want 9 GiB.
    It listens on a loopback port instead of a UNIX socket, so that tests can read its metrics.
    """
    served = models.Served(name=NAME, folder=set_up.folder / "models" / MODEL)
    part = models.part(set_up, served, name="vllm")
    port = free_port()
    words = list(part.command)
    at = words.index("--uds")
    words[at : at + 2] = ["--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            words,
            env=part.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_ready(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1", NAME
        finally:
            _end(process)


def _wait_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with contextlib.suppress(URLError, OSError), urlopen(address, timeout=2) as reply:
            if reply.status == 200:
                return
        time.sleep(0.5)
    raise RuntimeError(f"vLLM did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    # Its inner processes are in the same group; none of them may stay.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
