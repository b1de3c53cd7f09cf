"""An answer on its way to the browser: a Redis stream per answer, kept for an hour.

The row in PostgreSQL is the truth. If Redis is away, what is written here is lost, the worker goes
on, and the browser is shown the row.
"""

import json
import logging
import time
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

KEPT_SECONDS = 3600
JOIN_SECONDS = 0.04
"""Tokens that come within this time travel together; no reader can see it."""

RETRY_SECONDS = 1.0

Event = dict[str, Any]
logger = logging.getLogger(__name__)


def key_of(answer_id: UUID | str) -> str:
    """The stream of an answer."""
    return f"answer:{answer_id}"


@cache
def connection() -> "redis.Redis":
    """This process's connections, with short time-outs: a stream is never worth a long wait."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=2,
        socket_connect_timeout=1,
        health_check_interval=30,
        decode_responses=True,
    )


class Publisher:
    """Writes the events of one answer, in order. Used by one thread."""

    def __init__(self, answer_id: UUID) -> None:
        self._key = key_of(answer_id)
        self._waiting: list[str] = []
        self._whole = ""
        self._at = 0
        self._sent_at = 0.0
        self._away_until = 0.0

    def event(self, event: Event) -> None:
        """Send an event after whatever text is still waiting."""
        self.flush()
        self._send(event)

    def text(self, text: str) -> None:
        """Send the next piece of the answer, joined with its neighbours."""
        self._waiting.append(text)
        if time.monotonic() - self._sent_at >= JOIN_SECONDS:
            self.flush()

    def restart(self, event: Event) -> None:
        """Begin the text anew: what was sent of an earlier attempt no longer holds."""
        self._waiting.clear()
        self._whole, self._at = "", 0
        self._send(event)

    def flush(self) -> None:
        """Send the text that is waiting."""
        if not self._waiting:
            return
        self._whole += "".join(self._waiting)
        self._waiting.clear()
        # After a failure all of it goes again: a Redis that comes back may have lost what it had.
        is_sent = self._send({"type": "delta", "at": self._at, "text": self._whole[self._at :]})
        self._at = len(self._whole) if is_sent else 0
        self._sent_at = time.monotonic()

    def _send(self, event: Event) -> bool:
        now = time.monotonic()
        if now < self._away_until:
            return False
        try:
            client = connection()
            new = client.xadd(self._key, {"e": json.dumps(event, ensure_ascii=False)})
            if event["type"] in ("status", "final") and new:
                client.expire(self._key, KEPT_SECONDS)
        except redis.RedisError as trouble:
            logger.warning("live events delayed: %s", type(trouble).__name__)
            self._away_until = now + RETRY_SECONDS
            self._at = 0
            return False
        return True
