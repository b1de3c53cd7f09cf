"""A part that dies is started again; one that never starts is reported; none leaves a child."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home
from assistant.launcher.keeper import Keeper
from tests.unit.launcher.conftest import MakePart

STAYS = "import time; print('ready'); time.sleep(60)"
REFUSES_TO_STOP = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); "
    "time.sleep(60)"
)
HAS_A_CHILD = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(f'child {child.pid} ready'); time.sleep(60)"
)
LISTENS = (
    "import socket, time\n"
    "server = socket.socket(socket.AF_UNIX)\n"
    "server.bind({path!r})\n"
    "print('ready'); time.sleep(60)"
)


class Pids:
    """What the keeper reports, in order."""

    def __init__(self) -> None:
        self.seen: list[int | None] = []

    def __call__(self, part: str, pid: int | None) -> None:
        self.seen.append(pid)

    async def next_after(self, pid: int) -> int:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            latest = self.seen[-1]
            if latest is not None and latest != pid:
                return latest
            await asyncio.sleep(0.02)
        raise AssertionError("the part was not started again")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_it_starts_a_part_again_that_was_killed(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        pids = Pids()
        keeper = Keeper(make_part(STAYS), home=home, set_pid=pids)
        keeper.begin()
        await keeper.wait_ready()
        first = pids.seen[-1]
        assert first is not None
        os.kill(first, signal.SIGKILL)
        second = await pids.next_after(first)
        assert is_alive(second)
        await keeper.stop()
        assert not is_alive(second)
        assert pids.seen == [first, None, second, None]

    asyncio.run(scenario())


def test_the_socket_of_a_killed_part_is_no_hindrance(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        pids = Pids()
        path = home.socket("part")
        part = make_part(LISTENS.format(path=str(path)), socket=path)
        keeper = Keeper(part, home=home, set_pid=pids)
        keeper.begin()
        await keeper.wait_ready()
        for lives in (2, 3):
            current = pids.seen[-1]
            assert current is not None
            os.kill(current, signal.SIGKILL)
            await pids.next_after(current)
            await until_ready(home, times=lives)
        await keeper.stop()

    async def until_ready(home: Home, *, times: int) -> None:
        async with asyncio.timeout(10):
            while (home.logs / "part.log").read_text().count("ready") < times:
                assert "Address already in use" not in (home.logs / "part.log").read_text()
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_it_says_why_a_part_does_not_start(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        keeper = Keeper(
            make_part("raise SystemExit('the cupboard is bare')"),
            home=home,
            set_pid=Pids(),
        )
        keeper.begin()
        with pytest.raises(CannotStart, match=r"(?s)the part does not start.*cupboard is bare"):
            await keeper.wait_ready()
        await keeper.stop()

    asyncio.run(scenario())


def test_an_old_log_does_not_make_a_part_ready(home: Home, make_part: MakePart) -> None:
    (home.logs / "part.log").write_text("ready\n")

    async def scenario() -> None:
        silent = make_part("import time; time.sleep(60)", ready_within_seconds=0.5)
        keeper = Keeper(silent, home=home, set_pid=Pids())
        keeper.begin()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keeper.wait_ready(), 1)
        await keeper.stop()

    asyncio.run(scenario())


def test_it_ends_a_part_that_does_not_listen(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        pids = Pids()
        part = make_part(REFUSES_TO_STOP, stop_within_seconds=0.3)
        keeper = Keeper(part, home=home, set_pid=pids)
        keeper.begin()
        await keeper.wait_ready()
        await asyncio.wait_for(keeper.stop(), 5)
        assert pids.seen[0] is not None
        assert not is_alive(pids.seen[0])

    asyncio.run(scenario())


def test_a_killed_part_leaves_no_child_behind(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        pids = Pids()
        keeper = Keeper(make_part(HAS_A_CHILD), home=home, set_pid=pids)
        keeper.begin()
        await keeper.wait_ready()
        child = int((home.logs / "part.log").read_text().split()[1])
        assert is_alive(child)
        assert pids.seen[0] is not None
        os.kill(pids.seen[0], signal.SIGKILL)
        await pids.next_after(pids.seen[0])
        assert not is_alive(child)
        await keeper.stop()

    asyncio.run(scenario())


def test_logs_are_for_their_owner_alone(home: Home, make_part: MakePart) -> None:
    async def scenario() -> None:
        keeper = Keeper(make_part(STAYS), home=home, set_pid=Pids())
        keeper.begin()
        await keeper.wait_ready()
        await keeper.stop()

    asyncio.run(scenario())
    assert (home.logs / "part.log").stat().st_mode & 0o077 == 0
