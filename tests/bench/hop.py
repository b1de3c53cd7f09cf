"""A task that only says when it was begun, for a worker with the product's own settings."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import redis

from assistant.broker import app
from assistant.chat.stream import connection
from tests.installation import CHECKOUT

QUEUE = "bench"
BEGUN = "bench:begun:"


@app.task(name="bench.begin")
def begin(name: str) -> None:
    """Note the time at which a worker's thread came to this task."""
    connection().rpush(BEGUN + name, repr(time.time()))


@contextmanager
def worker() -> Iterator[None]:
    """A worker beside the installation's own, started as they are."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--app", "tests.bench.hop:app", "worker"),
            *("--queues", QUEUE, "--pool", "threads", "--concurrency", "64", "--hostname", "b@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def once(broker: "redis.Redis") -> float:
    """Milliseconds from handing a task over until it was begun."""
    name = str(uuid4())
    sent = time.time()
    begin.apply_async((name,), queue=QUEUE)
    found: Any = broker.blpop([BEGUN + name], timeout=30)
    assert found is not None, "no worker took the task within 30 seconds"
    return 1000 * (float(found[1]) - sent)
