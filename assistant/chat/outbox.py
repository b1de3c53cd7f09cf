"""Writes the live events of all of a process's answers to Redis, many in one round trip.

Whoever has an event leaves it here and goes on. One thread sends whatever lies here, so that under
load each trip carries more events and costs the answers no waiting.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

KEPT_SECONDS = 3600
"""How long an answer's stream can be read after its last event."""

RETRY_SECONDS = 1.0
MOST_AT_ONCE = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An event for a stream. `lost` is called, in the outbox's thread, when it was not written."""

    key: str
    event: str
    keeps: bool
    """Whether the stream's time to live begins anew with this event."""

    lost: Callable[[], None]
    anew: bool = False
    """Whether what the stream holds is taken away first."""


class Outbox:
    """The events of one process on their way to Redis, in the order in which they were left."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._letters: list[Letter] = []
        self._left = 0
        self._dealt_with = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def leave(self, letter: Letter) -> int:
        """Take an event to be sent; returns its number, which `settle` takes."""
        with self._changed:
            self._letters.append(letter)
            self._left += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return self._left

    def settle(self, number: int, seconds: float = 2.0) -> None:
        """Wait until this event and those before it were sent or lost, but no longer than this.

        What others leave meanwhile is not waited for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._dealt_with >= number, seconds)

    def _run(self) -> None:
        away_until = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._letters))
                batch = self._letters[:MOST_AT_ONCE]
                del self._letters[:MOST_AT_ONCE]
            if time.monotonic() < away_until or not self._send(batch):
                away_until = max(away_until, time.monotonic() + RETRY_SECONDS)
                for letter in batch:
                    letter.lost()
            with self._changed:
                self._dealt_with += len(batch)
                self._changed.notify_all()

    def _send(self, batch: list[Letter]) -> bool:
        pipe = self._client.pipeline(transaction=False)
        for letter in batch:
            if letter.anew:
                pipe.delete(letter.key)
            pipe.xadd(letter.key, {"e": letter.event})
            if letter.keeps:
                pipe.expire(letter.key, KEPT_SECONDS)
        try:
            pipe.execute()
        except (redis.RedisError, OSError) as trouble:
            logger.warning("live events delayed: %s", type(trouble).__name__)
            return False
        return True
