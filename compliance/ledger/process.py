"""How a process of the ledger begins and ends."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from compliance.ledger.errors import CannotRun

logger = logging.getLogger(__name__)


def run(serve: Callable[[threading.Event], None]) -> int:
    """Serve until SIGTERM or SIGINT, which set the event; gives the exit code.

    2 when `serve` raises CannotRun. Files that are made are for the process's own account alone.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    os.umask(0o077)
    try:
        serve(stop)
    except CannotRun as error:
        logger.error("%s", error)
        return 2
    return 0
