"""Wakes workers for documents whose message was lost or whose worker died."""

import logging
import threading
import time
from datetime import timedelta
from uuid import UUID

from django.db import Error, connections
from psycopg_pool import PoolTimeout

from assistant.documents import tasks, work

SWEEP_SECONDS = 5.0
UNCLAIMED = timedelta(minutes=2)
"""A long queue of documents is normal; a message sent twice is harmless."""

logger = logging.getLogger(__name__)


def watch() -> threading.Thread:
    """Look for forgotten documents until the process ends."""
    thread = threading.Thread(target=_watch, name="watch", daemon=True)
    thread.start()
    return thread


def _watch() -> None:
    woken: dict[UUID, float] = {}
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            work.free_dead()
            waiting = work.waiting(older_than=UNCLAIMED)
        except (Error, PoolTimeout) as trouble:
            logger.warning("the watch waits for the database: %s", type(trouble).__name__)
            continue
        finally:
            connections.close_all()
        now = time.monotonic()
        woken = {version: at for version, at in woken.items() if now - at < 60}
        for version_id in waiting:
            if version_id not in woken:
                woken[version_id] = now
                tasks.wake(version_id)
