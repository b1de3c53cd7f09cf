"""`python -m compliance.ledger.signer`: the process that signs the record's heads.

It talks to nobody but the database, which it does not trust: what it reads there it checks against
its own memory, and what it writes there others can check. So it needs no socket that others could
speak to, and can run on another host. It holds the only key that can sign.
"""

import json
import logging
import os
import sys
import threading
import time

import psycopg

from compliance.events import DefinitionsChanged, LogBegun, SystemStarted, SystemStopped
from compliance.ledger import VERSION, keys, process, witnessing
from compliance.ledger.alarms import Kind
from compliance.ledger.anchors import Anchors
from compliance.ledger.beat import next_beat, own_beat
from compliance.ledger.database import Database, address_from_environment, connect
from compliance.ledger.errors import Damaged
from compliance.ledger.keys import SignerKeys
from compliance.ledger.memory import Finding, Memory
from compliance.ledger.pen import Pen
from compliance.ledger.place import Place, from_environment, replace
from compliance.ledger.signing import Signer
from compliance.ledger.watch import Watch
from compliance.shape import Digest

PART = "signer"
ROUND_SECONDS = 0.5
WATCH_SECONDS = 5.0
_AFTER_TROUBLE_SECONDS = 1.0

logger = logging.getLogger(PART)

_DEFINITIONS = """
SELECT role, count(*), max(id) FROM cloister_watch.definition WHERE id > %s
 GROUP BY role ORDER BY max(id)
"""


class Process:
    """Signs and watches until it is told to stop."""

    def __init__(self, address: str, place: Place, stop: threading.Event) -> None:
        self._address = address
        self._place = place
        self._stop = stop
        self._keys = keys.read(place)
        self._anchors = Anchors(
            file=place.anchor, syslog=os.environ.get("CLOISTER_LEDGER_SYSLOG", "")
        )
        self._watch = Watch(home=place.home)
        self._refused = ""

    def run(self) -> None:
        """Connect, and connect again whenever the database went away."""
        with Memory(self._place.signer / "memory.sqlite") as memory:
            asking = witnessing.begin(self._address, self._place, self._keys, self._stop)
            while not self._stop.is_set():
                try:
                    with connect(self._address, name=PART) as database:
                        self._serve(database, memory)
                except psycopg.errors.DiskFull:
                    # Kept here until the database takes it in.
                    logger.error("alarm: disk database: nothing more can be written")
                    memory.keep_untold([Finding(kind=Kind.DISK, about="full")])
                except psycopg.Error as trouble:
                    logger.warning("the database is away: %s", type(trouble).__name__)
                self._stop.wait(_AFTER_TROUBLE_SECONDS)
            asking.join(witnessing.PATIENCE_SECONDS)

    def _serve(self, database: Database, memory: Memory) -> None:
        pen = Pen(database, keys.escrow(self._place))
        pen.append(SystemStarted(part=PART, version=VERSION))
        if not memory.head().note:
            pen.append(_begun(self._keys))
        signer = Signer(self._keys, memory)
        logger.info("ready. %s events are signed", memory.head().size)
        beat = watch = time.monotonic()
        while not self._stop.is_set():
            begun = time.monotonic()
            if begun >= beat:
                pen.append(own_beat(PART, pen))
                beat = begun + next_beat()
            self._sign(database, signer)
            self._tell(memory, pen)
            if begun >= watch:
                self._watch.look(database, pen)
                _record_definitions(database, memory, pen)
                watch = begun + WATCH_SECONDS
            self._stop.wait(max(0.0, ROUND_SECONDS - (time.monotonic() - begun)))
        self._sign(database, signer)
        pen.append(SystemStopped(part=PART))

    def _sign(self, database: Database, signer: Signer) -> None:
        try:
            signed = signer.sign(database)
        except Damaged as damage:
            if str(damage) != self._refused:
                logger.error("nothing is signed: %s", damage)
            self._refused = str(damage)
            return
        self._refused = ""
        if signed.is_new:
            replace(self._place.head, json.dumps({"note": signed.head.note}).encode() + b"\n")
            self._anchors.keep(signed.head.note)

    def _tell(self, memory: Memory, pen: Pen) -> None:
        """Make alarms of what was found."""
        for finding in memory.untold():
            logger.error("alarm: %s %s", finding.kind, finding.about)
            pen.raise_alarm(finding.kind, finding.about, number=finding.number)
            memory.told(finding)


def _record_definitions(database: Database, memory: Memory, pen: Pen) -> None:
    """Make events of what the server's administrator has let it note of changed definitions.

    On a server that is not ours there may be no such note.
    """
    row = database.execute("SELECT to_regclass('cloister_watch.definition')").fetchone()
    if row is None or row[0] is None:
        return
    changed = database.execute(_DEFINITIONS, [memory.definitions_seen()]).fetchall()
    for role, statements, last in changed:
        pen.append(DefinitionsChanged(role=role, statements=statements))
        memory.remember_definitions(last)


def _begun(known: SignerKeys) -> LogBegun:
    return LogBegun(origin=known.log.name, key=Digest(known.log.public.hex()), size=0)


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    return process.run(
        lambda stop: Process(address_from_environment(), from_environment(), stop).run()
    )


if __name__ == "__main__":
    sys.exit(main())
