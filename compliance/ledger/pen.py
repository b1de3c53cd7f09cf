"""Record events from a process of the ledger's own, which carries no Django."""

import hashlib
from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from compliance import header
from compliance.events import AlarmCleared, AlarmRaised, Context, Event
from compliance.ledger import chain
from compliance.ledger.chain import Escrow, Tip
from compliance.ledger.database import Database
from compliance.shape import NotAnEvent

_INSERT = "INSERT INTO compliance_event (event_id, header, mac) VALUES (%s, %s, %s)"


class Pen:
    """Writes events on one connection, as one writer."""

    def __init__(self, database: Database, escrow: Escrow | None) -> None:
        self._database = database
        self._escrow = escrow
        self._tip: Tip = chain.begin()

    @property
    def tip(self) -> Tip:
        """How far this writer has come."""
        return self._tip

    def append(self, event: Event) -> None:
        """Record an event at once."""
        with self._database.transaction():
            reached = self._write(event, self._tip)
        self._tip = reached

    def raise_alarm(self, kind: str, about: str = "", *, number: int | None = None) -> bool:
        """Raise an alarm, with its event in the same transaction; False when it stands already."""
        with self._database.transaction():
            detail = Jsonb({} if number is None else {"number": number})
            row = self._database.execute(
                "SELECT compliance_raise(%s, %s, %s)", [kind, about, detail]
            ).fetchone()
            is_new = bool(row and row[0])
            if is_new:
                event = AlarmRaised(kind=kind, about=_word(about), number=number)
                reached = self._write(event, self._tip)
        if is_new:
            self._tip = reached
        return is_new

    def clear_alarm(self, kind: str, about: str = "") -> bool:
        """End an alarm that stands, with its event."""
        with self._database.transaction():
            row = self._database.execute(
                "SELECT compliance_clear(%s, %s)", [kind, about]
            ).fetchone()
            stood = bool(row and row[0])
            if stood:
                reached = self._write(AlarmCleared(kind=kind, about=_word(about)), self._tip)
        if stood:
            self._tip = reached
        return stood

    def _write(self, event: Event, tip: Tip) -> Tip:
        written = header.write(
            event,
            context=Context(),
            now=datetime.now(UTC),
            chain=chain.members(tip, self._escrow),
        )
        mac = tip.mac_of(written.data)
        self._database.execute(_INSERT, [written.event_id, written.data, mac])
        return tip.after(mac)


def _word(about: str) -> str | None:
    """What an alarm is about, as an event may say it: a name that is no word by its digest."""
    if not about:
        return None
    try:
        AlarmRaised(kind="any", about=about).recorded_fields()
    except NotAnEvent:
        return f"sha256:{hashlib.sha256(about.encode()).hexdigest()[:32]}"
    return about
