"""`kill -9` of the launcher: the kernel stops its parts; the next start ends what still runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from assistant.launcher.home import Home
from assistant.launcher.leftovers import end_leftovers
from assistant.launcher.part import PART_VARIABLE
from tests.unit.launcher.test_a_part_is_kept_running import is_alive

LAUNCHER = """
import asyncio, os, sys
from pathlib import Path
from assistant.launcher.home import Home
from assistant.launcher.part import Part, start

async def never(log):
    return False

async def main():
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    part = Part(
        name="part", title="part", command=command, environment=dict(os.environ), ready=never
    )
    running = await start(part, Home(folder=Path(sys.argv[1])))
    print(running.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-uc",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(60)",
]


def wait_until_gone(pid: int, *, seconds: float = 5) -> bool:
    """Whether a process ends in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_a_part_ends_when_its_launcher_is_killed(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(home.folder)], stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        part = int(launcher.stdout.readline())
        assert is_alive(part)
        launcher.kill()
        launcher.wait(5)
    assert wait_until_gone(part)


def test_it_ends_what_carries_the_marks_of_this_home(home: Home) -> None:
    marks = {"CLOISTER_HOME": str(home.folder), PART_VARIABLE: "web"}
    with subprocess.Popen(SLEEPS, env=os.environ | marks) as left:
        time.sleep(0.1)
        end_leftovers(home)
        assert left.wait(5) == -signal.SIGTERM


def test_it_ends_a_leftover_that_does_not_listen(home: Home) -> None:
    marks = {"CLOISTER_HOME": str(home.folder), PART_VARIABLE: "web"}
    with subprocess.Popen(DEAF, env=os.environ | marks, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        left.stdout.readline()
        end_leftovers(home, patience_seconds=0.3)
        assert left.wait(5) == -signal.SIGKILL


def test_it_leaves_processes_of_another_home_alone(home: Home, tmp_path: Path) -> None:
    marks = {"CLOISTER_HOME": str(tmp_path / "other"), PART_VARIABLE: "web"}
    with subprocess.Popen(SLEEPS, env=os.environ | marks) as other:
        home.state_file.write_text(f'{{"pids": {{"web": {other.pid}}}}}')
        end_leftovers(home, patience_seconds=0.3)
        assert other.poll() is None
        other.kill()


def test_it_leaves_commands_of_the_operator_alone(home: Home) -> None:
    command = os.environ | {"CLOISTER_HOME": str(home.folder)}
    command.pop(PART_VARIABLE, None)
    with subprocess.Popen(SLEEPS, env=command) as ingest:
        end_leftovers(home, patience_seconds=0.3)
        assert ingest.poll() is None
        ingest.kill()
