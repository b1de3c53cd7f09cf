"""Admits searches: as many at once as the processors carry; the others wait their turn, in order.

More at once would not finish sooner: each would take a share of the same processors and memory.
Two queues, one behind the other. The first is this process's own and cannot fail. Those it lets
through queue in Redis with the other processes' searches. When Redis cannot be asked, the first
queue alone decides: each process then runs at most so many, no question is lost, and none runs
past a guard. A process that died holds its place for `LEASE_SECONDS` at most.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from uuid import uuid4

import redis
from django.conf import settings

LEASE_SECONDS = 30.0
PATIENCE_SECONDS = 2.0
"""A process silent this long has left the queue."""

LOOK_SECONDS = 0.02
TELL_SECONDS = 0.15
"""Nobody is told of a wait shorter than this."""

RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class GaveUp(Exception):
    """The search is no longer wanted; it left the queue."""


def places() -> int:
    """How many searches run at once: the operator's number, or one more than processors."""
    chosen: int = settings.SEARCHES_AT_ONCE
    return chosen or len(os.sched_getaffinity(0)) + 1


class Queue:
    """Lets so many threads of this process in at once, the others in the order they came."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def join(self) -> threading.Event:
        """A ticket; it is set when its turn has come."""
        turn = threading.Event()
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                turn.set()
            else:
                self._waiting.append(turn)
        return turn

    def leave(self, turn: threading.Event) -> None:
        """Give the place back, or leave the queue."""
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
            elif self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


# One step, so that two processes never see the same free place. Keys: who runs and until when, who
# waits in which order, who waits and was seen until when, the last number given.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[4]), ARGV[1])
end
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
if redis.call('ZRANK', KEYS[2], ARGV[1]) >= ARGV[2] - redis.call('ZCARD', KEYS[1]) then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
return 1
"""
_KEYS = ("{search}:running", "{search}:order", "{search}:seen", "{search}:number")


class SharedQueue:
    """The queue of all processes. Without Redis it lets by whom the process's own queue let in."""

    def __init__(self, address: str, places: int) -> None:
        self._places = places
        self._redis = redis.Redis.from_url(address, socket_timeout=1, socket_connect_timeout=1)
        self._take = self._redis.register_script(_TAKE)
        self._away_until = 0.0

    def take(self, name: str) -> bool:
        """Whether `name` may search now; until then it keeps its place by asking again."""
        if time.monotonic() < self._away_until:
            return True
        milliseconds = (int(1000 * LEASE_SECONDS), int(1000 * PATIENCE_SECONDS))
        try:
            return bool(self._take(keys=_KEYS, args=[name, self._places, *milliseconds]))
        except redis.RedisError as trouble:
            logger.warning("searches queue in each process alone: %s", type(trouble).__name__)
            self._away_until = time.monotonic() + RETRY_SECONDS
            return True

    def give_back(self, name: str) -> None:
        """Let the next one search."""
        if time.monotonic() < self._away_until:
            return
        with suppress(redis.RedisError):
            pipeline = self._redis.pipeline(transaction=False)
            for key in _KEYS[:3]:
                pipeline.zrem(key, name)
            pipeline.execute()


@cache
def _queues() -> tuple[Queue, SharedQueue]:
    return Queue(places()), SharedQueue(settings.REDIS_URL, places())


@contextmanager
def admitted(
    *, waiting: Callable[[], None], given_up: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold a place while searching. To be entered before a transaction, which would wait as well.

    `waiting` is called once when the search has to wait. Raises GaveUp as soon as `given_up` says
    that nobody wants it any more.
    """
    own, shared = _queues()
    name = uuid4().hex
    patience = _Patience(waiting, given_up)
    turn = own.join()
    try:
        while not turn.wait(TELL_SECONDS):
            patience.look()
        while not shared.take(name):
            patience.look()
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        shared.give_back(name)
        own.leave(turn)


class _Patience:
    """Tells once of a wait that is long enough to be noticed, and ends one nobody wants."""

    def __init__(self, waiting: Callable[[], None], given_up: Callable[[], bool]) -> None:
        self._tell: Callable[[], None] | None = waiting
        self._given_up = given_up
        self._since = time.monotonic()

    def look(self) -> None:
        if self._given_up():
            raise GaveUp
        if self._tell is not None and time.monotonic() - self._since >= TELL_SECONDS:
            tell, self._tell = self._tell, None
            tell()
