"""Relays answer streams from Redis to the sockets of this process, with one blocked read for all.

A follower first gets what the stream already holds after the id it knows, then what comes. All
streams that somebody follows are read in one XREAD; a stream of our own in the same read wakes it
when another one joins.
"""

import asyncio
import contextlib
import logging
import os
import secrets
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

BLOCK_MILLISECONDS = 5_000
AWAY_SECONDS = 0.5
REST_SECONDS = 0.001
LONGEST_REST_SECONDS = 0.04
BEGINNING = "0-0"

Entry = tuple[str, str]
"""The id of a stream entry, and its event as JSON."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Follower:
    """One socket's place in one stream."""

    key: str
    after: str
    entries: "asyncio.Queue[Entry]" = field(default_factory=asyncio.Queue)

    def offer(self, entry: Entry) -> None:
        """Take an entry, unless it is one that was seen before."""
        if _order(entry[0]) > _order(self.after):
            self.after = entry[0]
            self.entries.put_nowait(entry)


class Relay:
    """All followers of a process."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=1,
            # Longer than the blocked read, or every quiet five seconds would look like a failure.
            socket_timeout=BLOCK_MILLISECONDS / 1000 + 5,
        )
        self._wake_key = f"wake:{os.getpid()}:{secrets.token_hex(4)}"
        self._followers: dict[str, list[Follower]] = {}
        self._cursor: dict[str, str] = {}
        self._unbegun: set[str] = set()
        self._reader: asyncio.Task[None] | None = None

    async def follow(self, key: str, after: str) -> Follower:
        """Begin to follow a stream after an id; `BEGINNING` for all of it."""
        follower = Follower(key=key, after=after)
        if after == BEGINNING:
            self._unbegun.add(key)
        self._followers.setdefault(key, []).append(follower)
        with contextlib.suppress(RedisError, OSError):
            for entry_id, fields in await self._redis.xrange(key, min=f"({after}"):
                follower.offer((entry_id, fields["e"]))
                self._note_beginning(key, fields["e"])
        self._cursor.setdefault(key, follower.after)
        if _order(follower.after) < _order(self._cursor[key]):
            self._cursor[key] = follower.after
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        else:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.xadd(self._wake_key, {"e": ""}, maxlen=1)
        return follower

    def leave(self, follower: Follower) -> None:
        """Stop following."""
        others = self._followers.get(follower.key, [])
        with contextlib.suppress(ValueError):
            others.remove(follower)
        if not others:
            self._followers.pop(follower.key, None)
            self._cursor.pop(follower.key, None)
            self._unbegun.discard(follower.key)

    async def _read(self) -> None:
        """Read all followed streams until nobody follows any."""
        woken = "$"
        while self._followers:
            streams: Any = {self._wake_key: woken, **self._cursor}
            try:
                replies = await self._redis.xread(
                    streams,
                    count=64,
                    block=BLOCK_MILLISECONDS,
                )
            except (RedisError, OSError) as trouble:
                logger.warning("live events delayed: %s", type(trouble).__name__)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            for key, entries in replies or ():
                if key == self._wake_key:
                    woken = entries[-1][0]
                    continue
                self._pass_on(key, entries)
            await asyncio.sleep(self._rest_seconds())

    def _rest_seconds(self) -> float:
        """How long to let events gather: with many streams, one read for all costs less.

        Somebody who waits for the first word of an answer is not kept waiting for that.
        """
        if self._unbegun:
            return 0.0
        return min(LONGEST_REST_SECONDS, REST_SECONDS * (len(self._cursor) - 1))

    def _note_beginning(self, key: str, event: str) -> None:
        if event.startswith(('{"type": "delta"', '{"type": "final"')):
            self._unbegun.discard(key)

    def _pass_on(self, key: str, entries: list[tuple[str, dict[str, str]]]) -> None:
        if key not in self._cursor:
            return
        self._cursor[key] = entries[-1][0]
        for _, fields in entries:
            self._note_beginning(key, fields["e"])
        for follower in self._followers.get(key, []):
            for entry_id, fields in entries:
                follower.offer((entry_id, fields["e"]))


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def is_entry_id(text: str) -> bool:
    """Whether this is an id a browser may resume from."""
    milliseconds, separator, sequence = text.partition("-")
    return milliseconds.isdigit() and (not separator or sequence.isdigit()) and len(text) <= 40
