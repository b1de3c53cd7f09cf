"""Puts on record what the clock ends: break-glass whose time is over, access reviews that are due.

Rights need no watch: break-glass opens nothing from the second it is over, asked or not.
"""

import logging
import threading
import time

from django.db import Error, connections
from psycopg_pool import PoolTimeout

from assistant.access import emergencies, reviews
from compliance.log import NotRecorded

SWEEP_SECONDS = 2.0

logger = logging.getLogger(__name__)


def watch() -> threading.Thread:
    """Look for what has ended until the process does."""
    thread = threading.Thread(target=_watch, name="access watch", daemon=True)
    thread.start()
    return thread


def _watch() -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            emergencies.settle()
            reviews.close_due()
        except (Error, PoolTimeout, NotRecorded) as trouble:
            # Tried again: what was not recorded was not marked as ended either.
            logger.warning("what has ended is not on record yet: %s", type(trouble).__name__)
        finally:
            connections.close_all()
