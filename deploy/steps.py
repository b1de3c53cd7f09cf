"""Set-up steps: shown with their time, remembered by a stamp, told apart by what they need.

SetupError             one sentence: what happened, to what, what to do
"""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = CHECKOUT / "deploy" / "locks"
_printing = threading.Lock()
_OUTPUT_KEPT = 4_000


class SetupError(Exception):
    """The set-up cannot go on. The message is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do once: `stamp` remembers the `key` it was done for; `product` must exist."""

    title: str
    work: Callable[[], None]
    stamp: Path
    key: str
    product: Path
    bytes_needed: int = 0

    @property
    def is_done(self) -> bool:
        """Whether an earlier run has finished it, for the same key."""
        try:
            return self.product.exists() and self.stamp.read_text() == self.key
        except OSError:
            return False

    def run(self) -> None:
        """Do it unless it is done; print its time; leave the stamp last."""
        if self.is_done:
            return
        start = time.monotonic()
        say(f"  {self.title} ...")
        self.stamp.unlink(missing_ok=True)
        self.work()
        self.stamp.write_text(self.key)
        say(f"  {self.title:<34} {'done':<10} {time.monotonic() - start:7.1f} s")


def run_side_by_side(*rows: Sequence[Step]) -> None:
    """Run rows of steps at the same time, each row in its order. The first error is raised."""
    with ThreadPoolExecutor(len(rows)) as pool:
        for row in [pool.submit(_run_row, row) for row in rows]:
            row.result()


def _run_row(row: Sequence[Step]) -> None:
    for step in row:
        step.run()


def key_of(*inputs: Path | str) -> str:
    """A digest of files and words: another digest, another result."""
    digest = hashlib.sha256(sys.version.encode())
    for one in inputs:
        digest.update(one.read_bytes() if isinstance(one, Path) else one.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def run(command: Sequence[str], *, environment: Mapping[str, str], seconds: float = 3600) -> str:
    """Run a command to its end; give its output. Raises SetupError with what went wrong."""
    try:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{command[0]} cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            f"`{' '.join(command[:4])} ...` took longer than {seconds:.0f} seconds. Try again."
        ) from error
    if done.returncode:
        raise SetupError(explain(command, done.stdout))
    return done.stdout


def explain(command: Sequence[str], output: str) -> str:
    """Turn a tool's complaint into a sentence that says what to do."""
    lower = output.lower()
    if "no space left" in lower or "disk quota" in lower:
        return "The disk is full. Free about 6 GB, then run the same command again."
    network = ("connection", "timed out", "dns", "resolve", "network", "unreachable", "tls")
    said = "\n".join(f"    {line}" for line in output[-_OUTPUT_KEPT:].splitlines()[-8:])
    if any(word in lower for word in network):
        return (
            "The package index cannot be reached. Check the network, or name your own index with "
            f"PIP_INDEX_URL, then run the same command again.\n{said.splitlines()[-1]}"
        )
    return f"`{' '.join(map(str, command[:6]))} ...` failed:\n{said}"


def say(line: str) -> None:
    """Print one line at once, whole, whoever else prints."""
    with _printing:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
