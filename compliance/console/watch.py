"""Keeps the tally up with the record, so that searches find millions of events counted already."""

import logging
import threading
import time

from django.db import Error, connections
from psycopg_pool import PoolTimeout

from compliance.console import counting

SWEEP_SECONDS = 30.0

logger = logging.getLogger(__name__)


def watch() -> threading.Thread:
    """Count until the process ends. Several may do so: one of them at a time does."""
    thread = threading.Thread(target=_watch, name="record watch", daemon=True)
    thread.start()
    return thread


def _watch() -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            counting.count_up()
        except (Error, PoolTimeout) as trouble:
            # What is not in the tally is read from the record itself.
            logger.warning("the record is not counted yet: %s", type(trouble).__name__)
        finally:
            connections.close_all()
