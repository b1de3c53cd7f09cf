"""A record with numbers, signed heads and a witness, in a database of its own, to be attacked.

Every attack happens in a transaction of the server's superuser that is rolled back, and on a copy
of the files: what it does to the log is real, and the next one finds the log whole.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from compliance import header as headers
from compliance.events import Context, Event, SignedOut
from compliance.ledger import chain, check, keys, numbering, witness, witnessing
from compliance.ledger.check import Result
from compliance.ledger.database import Database
from compliance.ledger.memory import Memory
from compliance.ledger.pen import Pen
from compliance.ledger.place import Place, replace
from compliance.ledger.signing import Signed, Signer
from compliance.tiles import Edge

TABLES = {
    "compliance_event": ("seal", "keep"),
    "compliance_mention": ("keep",),
    "compliance_leaf": ("keep",),
    "compliance_tile": ("keep",),
    "compliance_root": ("keep",),
    "compliance_checkpoint": ("keep",),
    "compliance_cosignature": ("keep",),
    "compliance_pending": ("keep",),
}


class TimedPen(Pen):
    """A writer whose clock can be wrong."""

    behind = timedelta()

    def _write(self, event: Event, tip: chain.Tip) -> chain.Tip:
        said = chain.members(tip, self._escrow)
        now = datetime.now(UTC) - self.behind
        written = headers.write(event, context=Context(), now=now, chain=said)
        mac = tip.mac_of(written.data)
        self._database.execute(
            "INSERT INTO compliance_event (event_id, header, mac) VALUES (%s, %s, %s)",
            [written.event_id, written.data, mac],
        )
        return tip.after(mac)


@dataclass(kw_only=True)
class Log:
    """One record: its database as superuser, its files, and everything that is done with it."""

    database: Database
    place: Place
    edge: Edge = field(default_factory=Edge)
    pens: list[TimedPen] = field(default_factory=list)

    def write(self, count: int, *, writers: int = 3) -> None:
        """Record some events by several writers, in turns."""
        while len(self.pens) < writers:
            self.pens.append(TimedPen(self.database, keys.escrow(self.place)))
        for number in range(count):
            self.pens[number % writers].append(SignedOut(object=uuid4()))

    def number(self) -> None:
        """Number what waits."""
        while numbering.number_a_batch(self.database, self.edge):
            pass

    def sign(self) -> Signed:
        """Sign what is numbered, as the signer does, and publish the head."""
        with Memory(self.place.signer / "memory.sqlite") as memory:
            signed = Signer(keys.read(self.place), memory).sign(self.database)
        replace(self.place.head, json.dumps({"note": signed.head.note}).encode())
        return signed

    def alarms(self) -> list[str]:
        """What the signer has to tell, as kind and subject."""
        with Memory(self.place.signer / "memory.sqlite") as memory:
            return [f"{one.kind} {one.about}" for one in memory.untold()]

    def request(self, old: int) -> str:
        """What a witness that has seen `old` events is asked now."""
        row = self.database.execute(witnessing._NEWEST).fetchone()
        assert row is not None
        return witnessing.request(self.database, old, *row)

    def witness(self) -> witness.Witness:
        """The witness on the other host."""
        return witness.Witness(self.place.home / "witness")

    def cosign(self) -> None:
        """Let the witness sign the newest head."""
        one = witnessing.read_witnesses(self.place)[0]
        row = self.database.execute(witnessing._NEWEST).fetchone()
        assert row is not None
        size, note = row
        asked = self.witness()
        reply = asked.add(self.request(asked.seen(keys.read(self.place).log.name)[0]))
        assert reply.status == 200, reply
        witnessing.accept(self.database, one.key, size, note, reply.text)

    def verify(self, *, everything: bool = True) -> Result:
        """What `manage.py audit verify` finds."""
        return check.check(self.database, self.place, everything=everything)

    def found(self) -> dict[str, int | None]:
        """The kinds of damage, each with its first bad index."""
        return {kind: one.index for kind, one in self.verify().report.damage.items()}

    def run(self, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """SQL as the superuser."""
        cursor = self.database.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """What a superuser does first and last, so that nothing is to be seen of it."""
        for table in TABLES:
            self.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table, triggers in TABLES.items():
            for trigger in triggers:
                self.run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        self._partitions()

    def attack(self, statement: str, values: list[Any] | None = None) -> None:
        """Change the record as its administrator can, and put the guards back."""
        with self.unguarded():
            self.run(statement, values)

    def event(self, number: int) -> Any:
        """The id of the event with this number."""
        return self.run("SELECT event_id FROM compliance_leaf WHERE idx = %s", [number])[0][0]

    def header(self, number: int) -> bytes:
        """The header of the event with this number."""
        row = self.run(
            "SELECT header FROM compliance_event WHERE event_id = %s", [self.event(number)]
        )
        return bytes(row[0][0])

    def copy(self, folder: Path) -> "Log":
        """The same record with files of its own."""
        shutil.copytree(self.place.home, folder, dirs_exist_ok=True)
        copied = Log(database=self.database, place=Place(home=folder), pens=list(self.pens))
        copied.edge = numbering.current_edge(self.database)
        return copied

    def _partitions(self) -> None:
        for (name,) in self.run(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'compliance_event'::regclass"
        ):
            for trigger in ("seal", "keep"):
                self.run(f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER {trigger}")
