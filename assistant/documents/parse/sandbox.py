"""Runs work on untrusted files in another process, and always comes back.

A `Sandbox` is a waiting process that forks a confined child for each file (see `worker`). The pool
keeps a few of them between files. It survives `fork`: a child process starts sandboxes of its own.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from assistant.documents.parse import wire
from assistant.documents.parse.values import Cause, Limits, ParserUnavailable, Rejected

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30.0
STATUS_SECONDS = 10.0
FILES_PER_SANDBOX = 500
MOST_SANDBOXES = 4
WAIT_SECONDS = 300.0
READ_BYTES = 1024 * 1024
COMMAND = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from assistant.documents.parse.worker import main; main()"
)


class SandboxEnded(Exception):
    """The waiting process is gone or silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a child left: its answer, how it ended and its peak memory in KiB."""

    answer: bytes
    exit_code: int
    peak_kib: int


class Sandbox:
    """One waiting process and the channel to it. Serves one caller at a time."""

    def __init__(self) -> None:
        """Starts the process. Raises `ParserUnavailable`."""
        ours, theirs = socket.socketpair()
        self.channel = ours
        self.files = 0
        command = [sys.executable, "-I", "-c", COMMAND, str(theirs.fileno()), str(ROOT)]
        try:
            self.process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                env={"LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            ours.close()
            raise ParserUnavailable(f"The reading process did not start: {error}.") from error
        finally:
            theirs.close()
        try:
            self.measures: dict[str, Any] = self._line(START_SECONDS)
        except SandboxEnded as error:
            self.close()
            raise ParserUnavailable("The reading process did not start in time.") from error

    def run(self, file: BinaryIO, request: dict[str, Any], limits: Limits) -> Outcome:
        """One job on one file. Raises `Rejected` if it takes too long or answers too much.

        Raises `SandboxEnded` if the waiting process is gone; the job may then be tried elsewhere.
        """
        self.files += 1
        reading, writing = os.pipe()
        try:
            message = json.dumps(request | {"limits": asdict(limits)}).encode()
            with _channel_errors():
                socket.send_fds(self.channel, [message], [file.fileno(), writing])
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        with closing(os.fdopen(reading, "rb", buffering=0)) as pipe:
            answer = _read_answer(pipe.fileno(), limits)
        ended = self._line(STATUS_SECONDS)
        return Outcome(answer=answer, exit_code=ended["exit"], peak_kib=ended["peak_kib"])

    def close(self) -> None:
        """Ends the process and any child it has. Safe to call twice."""
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STATUS_SECONDS)

    def is_alive(self) -> bool:
        """Whether the process still waits for files."""
        return self.process.poll() is None

    def _line(self, seconds: float) -> dict[str, Any]:
        """The next line from the waiting process. It is ours, and its lines are short."""
        self.channel.settimeout(seconds)
        line = b""
        with _channel_errors():
            while not line.endswith(b"\n"):
                piece = self.channel.recv(4096)
                if not piece:
                    raise SandboxEnded
                line += piece
        self.channel.settimeout(None)
        return dict(json.loads(line))


@contextmanager
def _channel_errors() -> Iterator[None]:
    """Turns the errors of a channel whose other side is gone or silent into `SandboxEnded`."""
    try:
        yield
    except OSError as error:
        raise SandboxEnded from error


@dataclass(slots=True)
class Pool:
    """Sandboxes between jobs. They belong to the process that started them."""

    process_id: int = field(default_factory=os.getpid)
    idle: list[Sandbox] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_SANDBOXES))
    # The kernel ends a sandbox when the thread that started it ends, so one thread that lives as
    # long as the process starts them all.
    starter: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="sandbox-starter")
    )

    def take(self) -> Sandbox:
        """A live sandbox. Raises `ParserUnavailable`. Give it back or close it, then `leave`."""
        if not self.places.acquire(timeout=WAIT_SECONDS):
            raise ParserUnavailable("All reading processes are busy. Try again later.")
        try:
            with self.lock:
                while self.idle:
                    sandbox = self.idle.pop()
                    if sandbox.is_alive():
                        return sandbox
                    sandbox.close()
            return self.starter.submit(Sandbox).result()
        except BaseException:
            self.places.release()
            raise

    def put_back(self, sandbox: Sandbox) -> None:
        """Keeps a healthy sandbox for the next file, or ends one that has served long enough."""
        if sandbox.files >= FILES_PER_SANDBOX:
            self.drop(sandbox)
            return
        with self.lock:
            self.idle.append(sandbox)
        self.places.release()

    def drop(self, sandbox: Sandbox) -> None:
        """Ends a sandbox."""
        sandbox.close()
        self.places.release()

    def close(self) -> None:
        """Ends every idle sandbox, if this process started them."""
        if self.process_id == os.getpid():
            with self.lock:
                while self.idle:
                    self.idle.pop().close()


_pools: list[Pool] = []
_pools_lock = threading.Lock()


def run(file: BinaryIO, request: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], bytes]:
    """Does one job on an open file: the header and the body of the answer.

    Raises `Rejected` for whatever the file did, and `ParserUnavailable` if no sandbox works.
    """
    for _ in range(2):
        try:
            outcome = _run_once(file, request, limits)
        except SandboxEnded:
            continue
        return _judge(outcome)
    raise ParserUnavailable("The reading process ended twice without an answer.")


def confinement() -> dict[str, bool]:
    """Which measures hold on this machine: network, files, calls, no_new_privileges."""
    with Path(os.devnull).open("rb") as nothing:
        header, _ = run(nothing, {"do": "report"}, Limits())
    pool = _pool()
    sandbox = pool.take()
    pool.put_back(sandbox)
    return {str(name): bool(value) for name, value in (header | sandbox.measures).items()}


def close_sandboxes() -> None:
    """Ends the waiting processes of this process. The next file starts new ones."""
    for pool in _pools:
        pool.close()


def _run_once(file: BinaryIO, request: dict[str, Any], limits: Limits) -> Outcome:
    pool = _pool()
    sandbox = pool.take()
    healthy = False
    try:
        outcome = sandbox.run(file, request, limits)
        healthy = True
        return outcome
    finally:
        if healthy:
            pool.put_back(sandbox)
        else:
            pool.drop(sandbox)


def _pool() -> Pool:
    with _pools_lock:
        if not _pools or _pools[-1].process_id != os.getpid():
            if not _pools:
                atexit.register(close_sandboxes)
            _pools.append(Pool())
        return _pools[-1]


def _read_answer(descriptor: int, limits: Limits) -> bytes:
    """Everything the child writes, within the limits of time and size. Raises `Rejected`."""
    deadline = time.monotonic() + limits.wall_seconds
    pieces: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([descriptor], [], [], max(left, 0))
        if not ready:
            raise _too_slow()
        piece = os.read(descriptor, READ_BYTES)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > limits.reply_bytes:
            raise Rejected(
                "The file holds too much text for one document. Split it and upload the parts.",
                cause=Cause.TOO_LARGE,
            )
        pieces.append(piece)


def _judge(outcome: Outcome) -> tuple[dict[str, Any], bytes]:
    if outcome.exit_code == -signal.SIGXCPU:
        raise _too_slow()
    try:
        if outcome.exit_code == 0:
            header, body = wire.unpack(outcome.answer)
            wire.raise_if_rejected(header)
            return header, body
    except wire.BadAnswer:
        pass
    raise Rejected(
        "The file made its reader fail; it is damaged or made to do harm. Open it, save it again "
        "and upload the new copy.",
        cause=Cause.DAMAGED,
    )


def _too_slow() -> Rejected:
    return Rejected(
        "The file takes too long to read. Save it as PDF, or split it, and upload that.",
        cause=Cause.TOO_SLOW,
    )
