"""Signs of life of a process that carries Django: the web server and the workers."""

import atexit
import logging
import os
import threading

from django.db import Error, connections
from psycopg_pool import PoolTimeout

from compliance import log
from compliance.events import ChainReached, Context, Heartbeat, SystemStarted, SystemStopped
from compliance.ledger import VERSION, writers
from compliance.ledger.beat import EVERY_SECONDS, next_beat
from compliance.log import RECORD_ALIAS, NotRecorded

logger = logging.getLogger(__name__)


def begin(part: str) -> threading.Thread:
    """Record that a part has started, lives, and has stopped, when it does so in good order."""
    atexit.register(_stopped, part)
    return _thread(part, is_child=False)


def begin_child(part: str) -> threading.Thread:
    """Record that a process which a part has forked lives, from the next full minute on."""
    return _thread(part, is_child=True)


def _thread(part: str, *, is_child: bool) -> threading.Thread:
    thread = threading.Thread(target=_beat, args=(part, is_child), name="heartbeat", daemon=True)
    thread.start()
    return thread


def beat(part: str) -> None:
    """Record one sign of life, with how far the writers of this process have come."""
    reached = tuple(
        ChainReached(writer=one.writer.hex, seq=one.seq, open=one.is_open)
        for one in writers.reached()
    )
    log.append_alone(
        Heartbeat(part=part, process=os.getpid(), seconds=EVERY_SECONDS, chains=reached),
        context=Context(),
    )


def _beat(part: str, is_child: bool) -> None:
    wait = threading.Event()
    begun = is_child
    if is_child:
        # What it has inherited of connections is put away first.
        wait.wait(next_beat())
    while True:
        try:
            if not begun:
                log.append_alone(SystemStarted(part=part, version=VERSION), context=Context())
                begun = True
            beat(part)
        except (Error, PoolTimeout, NotRecorded) as trouble:
            # The silence is noticed by the signer, and is what the alarm is for.
            logger.warning("no sign of life was recorded: %s", type(trouble).__name__)
        finally:
            connections[RECORD_ALIAS].close()
        wait.wait(next_beat())


def _stopped(part: str) -> None:
    try:
        log.append_alone(SystemStopped(part=part), context=Context())
    except (Error, PoolTimeout, NotRecorded) as trouble:
        logger.warning("the end of %s is not on record: %s", part, type(trouble).__name__)
