"""End what an earlier launcher has left behind: only processes that carry this home's marks."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from assistant.config import read_state
from assistant.launcher.home import Home
from assistant.launcher.part import PART_VARIABLE
from assistant.launcher.screen import say

# With the launcher gone the kernel has told its parts to stop; they get this long to finish.
_PATIENCE_SECONDS = 8.0
_LOOK_EVERY_SECONDS = 0.1


def end_leftovers(home: Home, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait for parts that are still stopping, then end those that do not."""
    recorded = _recorded_groups(home)
    left = _left(home, recorded)
    if not left:
        return
    say(f"  ending {len(left)} processes that an interrupted start has left behind")
    _signal(left, home)
    until = time.monotonic() + patience_seconds
    while left and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_SECONDS)
        left = _left(home, recorded)
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    while _left(home, recorded) and time.monotonic() < until + 2:
        time.sleep(_LOOK_EVERY_SECONDS)


def _signal(processes: Iterable[int], home: Home) -> None:
    for process in processes:
        part = _environment(process).get(PART_VARIABLE)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGINT if part == "postgres" else signal.SIGTERM)


def _left(home: Home, recorded: set[int]) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        process = int(folder.name)
        if process != os.getpid() and _is_ours(process, home, recorded):
            found.append(process)
    return found


def _is_ours(process: int, home: Home, recorded: set[int]) -> bool:
    environment = _environment(process)
    if PART_VARIABLE in environment:
        return environment.get("CLOISTER_HOME") == str(home.folder)
    # vLLM's inner processes overwrite the place where the kernel shows the environment.
    try:
        title = Path("/proc", str(process), "cmdline").read_bytes()
        group = os.getpgid(process)
    except (OSError, ProcessLookupError):
        return False
    return title.startswith(b"VLLM::") and group in recorded


def _environment(process: int) -> dict[str, str]:
    try:
        raw = Path("/proc", str(process), "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def _recorded_groups(home: Home) -> set[int]:
    pids = read_state(home.folder).get("pids", {})
    return {pid for part, pid in pids.items() if part != "launcher" and isinstance(pid, int)}
