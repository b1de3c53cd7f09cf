"""One long-running process of an installation: how it starts, when it is ready, how it stops."""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant.launcher.home import Home

PART_VARIABLE = "CLOISTER_PART"
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)
_PROBE_EVERY_SECONDS = 0.1
_TAIL_BYTES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a part has written since it was started this time."""

    path: Path
    start: int

    def text(self) -> str:
        """The last few thousand bytes of it."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(self.start, self.path.stat().st_size - _TAIL_BYTES))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def last_lines(self, count: int = 6) -> str:
        """The last lines, indented, for an error message."""
        lines = [line for line in self.text().splitlines() if line.strip()][-count:]
        return "\n".join(f"    {line[:200]}" for line in lines)


Probe = Callable[[Log], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process to keep running. `ready` asks it a real question.

    `user` is the id to run as, when the launcher is root and the part may not be.
    `socket` is a UNIX socket that the part makes; what a killed one has left is removed first.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Probe
    stop_signal: signal.Signals = signal.SIGTERM
    ready_within_seconds: float = 60
    stop_within_seconds: float = 5
    user: int | None = None
    folder: Path = Path("/")
    socket: Path | None = None


class Running:
    """One life of a part: from its start to its end."""

    def __init__(self, part: Part, process: asyncio.subprocess.Process, log: Log) -> None:
        self.part = part
        self.log = log
        self.started = time.monotonic()
        self._process = process

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    async def ended(self) -> int:
        """Wait for the end; give the exit code (negative: the signal)."""
        return await self._process.wait()

    async def becomes_ready(self) -> bool:
        """Wait until the part answers. False when it ends first or takes too long."""
        until = self.started + self.part.ready_within_seconds
        while time.monotonic() < until:
            if self._process.returncode is not None:
                return False
            if await _answers(self.part.ready, self.log):
                return True
            await asyncio.sleep(_PROBE_EVERY_SECONDS)
        return False

    async def stop(self) -> None:
        """Ask it to end, insist after its time is over, and leave nothing of its group behind."""
        with suppress(ProcessLookupError):
            self._process.send_signal(self.part.stop_signal)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.part.stop_within_seconds):
                await self._process.wait()
        self.kill_group()
        await self._process.wait()

    def kill_group(self) -> None:
        """End whatever the part started and did not end itself."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def marks(home: Home, part: str) -> dict[str, str]:
    """Variables by which a later launcher knows what an earlier one has left behind."""
    return {"CLOISTER_HOME": str(home.folder), PART_VARIABLE: part}


async def start(part: Part, home: Home) -> Running:
    """Start a part in a process group of its own; it is told to stop if the launcher dies."""
    path = home.logs / f"{part.name}.log"
    launcher = os.getpid()
    if part.socket:
        part.socket.unlink(missing_ok=True)
    with open_log(path) as file:
        log = Log(path=path, start=file.tell())
        process = await asyncio.create_subprocess_exec(
            *part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**part.environment, **marks(home, part.name)},
            cwd=part.folder,
            process_group=0,
            preexec_fn=lambda: follow(launcher, part.stop_signal),
            user=part.user,
            group=part.user,
            extra_groups=() if part.user else None,
        )
    return Running(part, process, log)


def open_log(path: Path) -> IO[bytes]:
    """A log file to write at the end of, for its owner alone."""
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def follow(launcher: int, stop_signal: signal.Signals) -> None:
    """In the child, before it becomes the program: be stopped by the kernel with the launcher."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
    if os.getppid() != launcher:  # it died before the call
        os._exit(1)


async def _answers(probe: Probe, log: Log) -> bool:
    # Not wait_for: in Python 3.11 it loses a cancellation that comes as the probe ends.
    try:
        async with asyncio.timeout(5):
            return await probe(log)
    except (OSError, EOFError, TimeoutError, ValueError):
        return False
