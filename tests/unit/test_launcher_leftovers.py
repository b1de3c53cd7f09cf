"""After a crash only processes that carry this data folder's marks are ended."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.launcher.home import Home
from assistant.launcher.leftovers import end_leftovers
from assistant.launcher.part import marks
from assistant.launcher.ports import free_port, holder, is_taken

Sleeper = Callable[[dict[str, str]], "subprocess.Popen[bytes]"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(folder=tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    started: list[subprocess.Popen[bytes]] = []

    def start(variables: dict[str, str]) -> "subprocess.Popen[bytes]":
        script = "import time; print(flush=True); time.sleep(60)"
        process = subprocess.Popen(
            [sys.executable, "-c", script], env=variables, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_part_of_this_home_is_ended(home: Home, sleeper: Sleeper) -> None:
    left = sleeper(marks(home, "web"))
    # The kernel keeps an ended child until it is collected, as init would do.
    end_leftovers_while_collecting(home, left)
    assert left.returncode == -15


def test_a_part_of_another_home_is_left_alone(home: Home, sleeper: Sleeper, tmp_path: Path) -> None:
    other = sleeper(marks(Home(folder=tmp_path / "other"), "web"))
    end_leftovers(home)
    assert other.poll() is None


def test_a_process_that_only_reuses_a_recorded_number_is_left_alone(
    home: Home, sleeper: Sleeper
) -> None:
    stranger = sleeper({"CLOISTER_HOME": str(home.folder)})
    home.state_file.write_text(f'{{"pids": {{"web": {stranger.pid}}}}}')
    end_leftovers(home)
    assert stranger.poll() is None


def test_the_holder_of_a_port_is_named() -> None:
    port = free_port()
    script = (
        "import socket, time\n"
        f"server = socket.create_server(('127.0.0.1', {port})); print(flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert is_taken("127.0.0.1", port)
            assert holder(port).startswith(f"process {process.pid} ({sys.executable}")
        finally:
            process.kill()
    assert not is_taken("127.0.0.1", port)


def end_leftovers_while_collecting(home: Home, left: "subprocess.Popen[bytes]") -> None:
    collector = threading.Thread(target=left.wait)
    collector.start()
    end_leftovers(home)
    collector.join(5)
