"""What this process is answering right now: signs of life, stops, and work that was left behind.

One thread a process looks after all of it. It asks PostgreSQL, not Redis, so it works when Redis
does not.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.conf import settings
from django.db import Error, connections
from psycopg_pool import PoolTimeout

from assistant.chat import work
from assistant.chat.basis import Basis, Lost, change_stamp, lost
from assistant.chat.models import AnswerWork
from assistant.workers import gone
from inference.generate import Cancel

LOOK_SECONDS = 0.3
SWEEP_SECONDS = 2.0
REST_SECONDS = 0.002
LONGEST_REST_SECONDS = 0.08

Wake = Callable[[UUID], None]
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Held:
    """An answer that this process is making. `lost` says why it may not be finished."""

    claim: work.Claim
    basis: Basis
    cancel: Cancel = field(default_factory=Cancel)
    lost: Lost | None = None
    checked_at_stamp: str = ""

    def rest_on(self, documents: frozenset[UUID]) -> None:
        """Note what was shown; whether it may still be seen is asked at the next look."""
        self.basis = replace(self.basis, documents=self.basis.documents | documents)
        self.checked_at_stamp = ""


_held: dict[UUID, Held] = {}
_lock = threading.Lock()


@contextmanager
def tracked(claim: work.Claim, basis: Basis) -> Iterator[Held]:
    """Keep the lease of an answer while it is made, and end it when its asker's rights go."""
    held = Held(claim=claim, basis=basis)
    with _lock:
        _held[claim.answer_id] = held
    try:
        yield held
    finally:
        with _lock:
            _held.pop(claim.answer_id, None)
        connections.close_all()


def rest() -> None:
    """Wait a little between two reads of an answer; the longer, the more answers are under way.

    One answer alone is read token by token. With forty, a reader's eye gets a tenth of a second's
    words at once, and this process wakes up for a fraction of the tokens.
    """
    others = max(0, len(_held) - 1)
    time.sleep(min(LONGEST_REST_SECONDS, REST_SECONDS * others))


def watch(*, wake: Wake) -> threading.Thread:
    """Look after this process's answers and everybody's forgotten ones, until it ends."""
    thread = threading.Thread(target=_watch, args=(wake,), name="watch", daemon=True)
    thread.start()
    return thread


def _watch(wake: Wake) -> None:
    renewed_at = swept_at = 0.0
    while True:
        time.sleep(LOOK_SECONDS)
        now = time.monotonic()
        try:
            if _held:
                _stop_unwanted()
                _stop_unseen()
            if _held and now - renewed_at > settings.LEASE_SECONDS / 3:
                with _lock:
                    claims = [held.claim for held in _held.values()]
                work.renew(claims)
                renewed_at = now
            if now - swept_at > SWEEP_SECONDS:
                sweep(wake)
                swept_at = now
        except (Error, PoolTimeout) as trouble:
            logger.warning("the watch waits for the database: %s", type(trouble).__name__)
        finally:
            connections.close_all()


def _stop_unwanted() -> None:
    with _lock:
        held = dict(_held)
    unwanted = AnswerWork.objects.filter(
        answer_id__in=list(held), stop_requested=True
    ).values_list("answer_id", flat=True)
    for answer_id in unwanted:
        held[answer_id].cancel.set()


def _stop_unseen() -> None:
    """End the answers whose askers may no longer see what they rest on."""
    stamp = change_stamp()
    with _lock:
        unchecked = [held for held in _held.values() if held.checked_at_stamp != stamp]
    for held in unchecked:
        held.lost = held.lost or lost(held.claim.token, held.basis)
        held.checked_at_stamp = stamp
        if held.lost:
            held.cancel.set()


def sweep(wake: Wake) -> None:
    """Offer again what a dead worker held, and what was queued but never taken up."""
    _free_dead()
    waiting = work.waiting()
    work.touch(waiting)
    for answer_id in waiting:
        wake(answer_id)


def _free_dead() -> None:
    """End the leases of workers that are no more."""
    holders = AnswerWork.objects.exclude(worker="").values_list("worker", flat=True)
    for holder in gone(holders):
        freed = work.free(holder)
        logger.warning("%d answers of a worker that died are offered again", freed)
