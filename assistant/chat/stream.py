"""An answer on its way to the browser: a Redis stream per answer, kept for an hour.

The row in PostgreSQL is the truth. If Redis is away, what is written here is lost, the worker goes
on, and the browser is shown the row.
"""

import json
import time
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from assistant.chat.outbox import Letter, Outbox

JOIN_SECONDS = 0.04
"""Tokens that come within this time travel together; no reader can see it."""

TRIES = 5
"""How often a Redis that is away is asked to forget; its streams end after an hour in any case."""

Event = dict[str, Any]


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


@cache
def outbox() -> Outbox:
    """Where this process leaves its events."""
    return Outbox(connection())


class Publisher:
    """Writes the events of one answer, in order. Used by one thread."""

    def __init__(self, answer_id: UUID) -> None:
        self._key = key_of(answer_id)
        self._waiting: list[str] = []
        self._whole = ""
        self._at = 0
        self._sent_at = 0.0
        self._lost = False
        self._last = 0

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

    def begin_anew(self, event: Event) -> None:
        """Take back all that was sent, so that nobody can read it any more, and send this."""
        self._waiting.clear()
        for _ in range(TRIES):
            self._lost = False
            self._send(event, anew=True)
            self.settle()
            if not self._lost:
                return
            time.sleep(1.0)

    def flush(self) -> None:
        """Send the text that is waiting."""
        if not self._waiting:
            return
        self._whole += "".join(self._waiting)
        self._waiting.clear()
        if self._lost:
            # All of it goes again: a Redis that comes back may have lost what it had.
            self._lost, self._at = False, 0
        self._send({"type": "delta", "at": self._at, "text": self._whole[self._at :]})
        self._at = len(self._whole)
        self._sent_at = time.monotonic()

    def settle(self) -> None:
        """Wait until what was sent is written, or known to be lost."""
        outbox().settle(self._last)

    def _send(self, event: Event, *, anew: bool = False) -> None:
        self._last = outbox().leave(
            Letter(
                key=self._key,
                event=json.dumps(event, ensure_ascii=False),
                keeps=event["type"] in ("status", "final"),
                anew=anew,
                lost=self._note_loss,
            )
        )

    def _note_loss(self) -> None:
        self._lost = True
