"""What the operator sees: one line a step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def done(what: str, seconds: float, note: str = "ready") -> None:
    """Print that a step is finished."""
    say(f"  {what:<34} {note:<10} {seconds:7.1f} s")


@contextmanager
def step(what: str, note: str = "done") -> Iterator[None]:
    """Time a step and print it when it succeeds."""
    start = time.monotonic()
    yield
    done(what, time.monotonic() - start, note)
