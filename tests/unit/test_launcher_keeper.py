"""A part is started, watched, started again, and ended with everything it started itself."""

import asyncio
import sys
from pathlib import Path

import pytest

from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home
from assistant.launcher.keeper import Keeper
from assistant.launcher.part import Log, Part


class Pids(dict[str, int | None]):
    """The process ids that a keeper has told of."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []

    def set(self, part: str, pid: int | None) -> None:
        self[part] = pid
        if pid is not None:
            self.told.append(pid)


def part(script: str, *, ready_word: str = "ready") -> Part:
    async def ready(log: Log) -> bool:
        return ready_word in log.text()

    return Part(
        name="clock",
        title="clock",
        command=(sys.executable, "-u", "-c", script),
        environment={},
        ready=ready,
        ready_within_seconds=20,
        stop_within_seconds=1,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(folder=tmp_path)
    home.prepare()
    return home


async def until_told(pids: Pids, count: int) -> None:
    async with asyncio.timeout(10):
        while len(pids.told) < count:
            await asyncio.sleep(0.02)


async def test_a_part_that_dies_is_started_again(home: Home) -> None:
    pids = Pids()
    script = "import time; print('ready'); time.sleep(0.2)"
    keeper = Keeper(part(script), home=home, set_pid=pids.set)
    keeper.begin()
    await keeper.wait_ready()
    await until_told(pids, 2)
    await keeper.stop()
    assert len(set(pids.told)) == len(pids.told) >= 2
    assert pids["clock"] is None


async def test_a_part_that_never_starts_is_reported_with_its_last_words(home: Home) -> None:
    keeper = Keeper(part("raise SystemExit('no such disk')"), home=home, set_pid=Pids().set)
    keeper.begin()
    with pytest.raises(CannotStart, match=r"(?s)clock does not start.*clock\.log.*no such disk"):
        await keeper.wait_ready()
    await keeper.stop()


async def test_ready_in_an_old_log_does_not_count(home: Home) -> None:
    (home.logs / "clock.log").write_text("ready\n")
    keeper = Keeper(part("import time; time.sleep(60)"), home=home, set_pid=Pids().set)
    keeper.begin()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keeper.wait_ready(), 0.5)
    await keeper.stop()


async def test_a_part_that_will_not_stop_is_ended_with_its_children(home: Home) -> None:
    pids = Pids()
    script = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: print(f'ready {child}.')\n"
        "time.sleep(60)\n"
    )
    keeper = Keeper(part(script), home=home, set_pid=pids.set)
    keeper.begin()
    await keeper.wait_ready()
    child = (home.logs / "clock.log").read_text().split()[1].rstrip(".")
    await keeper.stop()
    async with asyncio.timeout(5):
        while _runs(child):
            await asyncio.sleep(0.02)
    assert not _runs(str(pids.told[0]))


def _runs(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
