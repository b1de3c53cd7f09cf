"""Signs of life: every long-lived process records one a minute, and how far its writers have come.

All beat at the full minute, so that an idle installation signs one head a minute and not five.
"""

import os
import time

from compliance.events import ChainReached, Heartbeat
from compliance.ledger.pen import Pen

EVERY_SECONDS = 60


def next_beat(now: float | None = None) -> float:
    """Seconds from now (Unix time) to the next full minute."""
    moment = time.time() if now is None else now
    return EVERY_SECONDS - moment % EVERY_SECONDS


def own_beat(part: str, pen: Pen) -> Heartbeat:
    """The sign of life of a process with one writer."""
    reached = ChainReached(writer=pen.tip.writer.hex, seq=pen.tip.seq, open=True)
    return Heartbeat(
        part=part,
        process=os.getpid(),
        seconds=EVERY_SECONDS,
        chains=(reached,) if reached.seq else (),
    )
