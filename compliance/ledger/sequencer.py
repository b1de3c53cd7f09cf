"""`python -m compliance.ledger.sequencer`: the process that numbers the record.

One is active; another that is started waits until the first one's connection is gone. It reads no
event: what is to be numbered is handed to it as ids, times and hashes.
"""

import logging
import sys
import threading
import time

import psycopg

from compliance.events import SystemStarted, SystemStopped
from compliance.ledger import VERSION, keys, numbering, process
from compliance.ledger.alarms import Kind
from compliance.ledger.beat import next_beat, own_beat
from compliance.ledger.database import Database, address_from_environment, connect
from compliance.ledger.errors import Damaged
from compliance.ledger.pen import Pen
from compliance.ledger.place import from_environment
from compliance.ledger.watch import is_unsigned
from compliance.tiles import Edge

PART = "sequencer"
ROUND_SECONDS = 0.2
WATCH_SECONDS = 5.0
_STANDBY_SECONDS = 1.0
_AFTER_TROUBLE_SECONDS = 1.0
_MONTHS_EVERY_SECONDS = 3_600.0

logger = logging.getLogger(PART)


class Sequencer:
    """Numbers events until it is told to stop."""

    def __init__(self, address: str, stop: threading.Event) -> None:
        self._address = address
        self._stop = stop

    def run(self) -> None:
        """Connect, and connect again whenever the database went away."""
        while not self._stop.is_set():
            try:
                with connect(self._address, name=PART) as database:
                    self._serve(database)
            except psycopg.Error as trouble:
                logger.warning("the database is away: %s", type(trouble).__name__)
            except Damaged as damage:
                logger.error("nothing is numbered: %s", damage)
                self._tell(damage)
            self._stop.wait(_AFTER_TROUBLE_SECONDS)

    def _serve(self, database: Database) -> None:
        while not numbering.become_active(database):
            if self._stop.wait(_STANDBY_SECONDS):
                return
        edge = numbering.current_edge(database)
        pen = Pen(database, keys.escrow(from_environment()))
        numbering.make_months(database)
        pen.append(SystemStarted(part=PART, version=VERSION))
        logger.info("ready. %s events are numbered", edge.size)
        self._rounds(database, edge, pen)
        pen.append(SystemStopped(part=PART))
        numbering.number_a_batch(database, edge)

    def _rounds(self, database: Database, edge: Edge, pen: Pen) -> None:
        beat = watch = time.monotonic()
        months = beat + _MONTHS_EVERY_SECONDS
        while not self._stop.is_set():
            begun = time.monotonic()
            count = numbering.number_a_batch(database, edge)
            if begun >= watch:
                self._watch_signer(database, pen)
                watch = begun + WATCH_SECONDS
            if begun >= beat:
                pen.append(own_beat(PART, pen))
                beat = begun + next_beat()
            if begun >= months:
                numbering.make_months(database)
                months = begun + _MONTHS_EVERY_SECONDS
            if count < numbering.BATCH:
                self._stop.wait(max(0.0, ROUND_SECONDS - (time.monotonic() - begun)))

    def _watch_signer(self, database: Database, pen: Pen) -> None:
        if is_unsigned(database):
            pen.raise_alarm(Kind.UNSIGNED, "signer")
        else:
            pen.clear_alarm(Kind.UNSIGNED, "signer")

    def _tell(self, damage: Damaged) -> None:
        try:
            with connect(self._address, name=PART) as database:
                pen = Pen(database, keys.escrow(from_environment()))
                pen.raise_alarm(Kind.DAMAGED, damage.kind, number=damage.index)
        except psycopg.Error as trouble:
            logger.warning("the alarm could not be recorded: %s", type(trouble).__name__)


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    return process.run(lambda stop: Sequencer(address_from_environment(), stop).run())


if __name__ == "__main__":
    sys.exit(main())
