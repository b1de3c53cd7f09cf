"""Look, every few seconds, whether the record is still being kept: silence is seen, too.

The signer watches over everything it can see; the sequencer watches over the signer. What is found
stands as an alarm until it is over.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from compliance.ledger.alarms import Kind
from compliance.ledger.beat import EVERY_SECONDS
from compliance.ledger.database import Database
from compliance.ledger.memory import Finding
from compliance.ledger.pen import Pen

LATE_SECONDS = 15
"""How late a sign of life may be."""

WAITING_SECONDS = 10.0
"""How long the first event in the queue may wait for its number."""

UNSIGNED_SECONDS = 20
_CLOCKS_APART = timedelta(seconds=60)
_STEP_BACK_SECONDS = 2.0
_LOOK_BACK = timedelta(days=1)

_BEATS = """
SELECT recorded_at, header FROM compliance_event
 WHERE type IN ('system.heartbeat', 'system.stopped') AND recorded_at > %s ORDER BY recorded_at
"""
_UNGUARDED = """
WITH wanted(name, guard) AS (
    SELECT c.relname, g.guard FROM pg_class c
     CROSS JOIN (VALUES ('seal'), ('keep')) g(guard)
     WHERE c.relname ~ '^compliance_event(_[0-9]{4}_[0-9]{2}|_other)?$' AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT name, 'keep' FROM unnest(ARRAY['compliance_mention', 'compliance_leaf',
        'compliance_tile', 'compliance_root', 'compliance_checkpoint', 'compliance_cosignature',
        'compliance_alarm', 'compliance_pending']) name)
SELECT DISTINCT w.name FROM wanted w LEFT JOIN pg_class c ON c.relname = w.name
  LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = w.guard
 WHERE t.tgenabled IS DISTINCT FROM 'A'
    OR (w.name <> 'compliance_pending' AND NOT (c.relrowsecurity AND c.relforcerowsecurity))
 ORDER BY 1
"""
_MONTHS = """
SELECT EXISTS (SELECT FROM compliance_event_other),
       to_regclass('compliance_event_' || to_char(now() + interval '1 month', 'YYYY_MM')) IS NULL
"""
_UNSIGNED = """
SELECT EXISTS (SELECT FROM compliance_root
  WHERE size > (SELECT coalesce(max(size), 0) FROM compliance_checkpoint)
    AND sequenced_at < clock_timestamp() - make_interval(secs => %s))
"""


def unguarded(database: Database) -> list[str]:
    """Tables of the record that have lost a trigger or their row security."""
    return [name for (name,) in database.execute(_UNGUARDED)]


def is_unsigned(database: Database) -> bool:
    """Whether numbered events have waited too long for a signature."""
    row = database.execute(_UNSIGNED, [UNSIGNED_SECONDS]).fetchone()
    return bool(row and row[0])


@dataclass(slots=True, kw_only=True)
class Watch:
    """Remembers what it saw the last time. `home` is the data folder."""

    home: Path
    _beats: dict[str, datetime] = field(default_factory=dict)
    _heard_until: datetime | None = None
    _first_waiting: tuple[UUID, float] | None = None
    _latest: float = 0.0
    _standing: set[tuple[str, str]] = field(default_factory=set)

    def look(self, database: Database, pen: Pen) -> None:
        """Raise what is wrong, clear what is over. `pen` writes on a connection of its own."""
        if self._heard_until is None:
            self._standing = _standing(database)
        found = {(one.kind, one.about): one for one in self._findings(database)}
        for finding in found.values():
            pen.raise_alarm(finding.kind, finding.about, number=finding.number)
        for kind, about in self._standing - set(found):
            pen.clear_alarm(kind, about)
        self._standing = set(found)

    def _findings(self, database: Database) -> Iterator[Finding]:
        yield from self._silent(database)
        yield from self._behind(database)
        yield from self._clocks(database)
        yield from self._disks(database)
        for name in unguarded(database):
            yield Finding(kind=Kind.UNGUARDED, about=name)
        row = database.execute(_MONTHS).fetchone()
        if row and row[0]:
            yield Finding(kind=Kind.NO_MONTH, about="other")
        if row and row[1]:
            yield Finding(kind=Kind.NO_MONTH, about="next")

    def _silent(self, database: Database) -> Iterator[Finding]:
        now = datetime.now(UTC)
        # A transaction may commit a while after its event was written.
        since = self._heard_until or now - _LOOK_BACK
        self._heard_until = now - timedelta(seconds=EVERY_SECONDS)
        for recorded_at, header in database.execute(_BEATS, [since]).fetchall():
            try:
                said = json.loads(bytes(header))
                part, kind = str(said["fields"]["part"]), said["type"]
            except (ValueError, KeyError, TypeError):
                continue
            if kind == "system.stopped":
                self._beats.pop(part, None)
            else:
                self._beats[part] = max(recorded_at, self._beats.get(part, recorded_at))
        for part, last in self._beats.items():
            if now - last > timedelta(seconds=EVERY_SECONDS + LATE_SECONDS):
                yield Finding(kind=Kind.SILENT, about=part)

    def _behind(self, database: Database) -> Iterator[Finding]:
        row = database.execute(
            "SELECT event_id FROM compliance_pending ORDER BY event_id LIMIT 1"
        ).fetchone()
        now = time.monotonic()
        if row is None:
            self._first_waiting = None
        elif self._first_waiting is None or self._first_waiting[0] != row[0]:
            self._first_waiting = (row[0], now)
        elif now - self._first_waiting[1] > WAITING_SECONDS:
            yield Finding(kind=Kind.BEHIND, about="sequencer")

    def _clocks(self, database: Database) -> Iterator[Finding]:
        """Time that goes backwards, and clocks that differ: until they have caught up."""
        now = time.time()
        if now < self._latest - _STEP_BACK_SECONDS:
            yield Finding(kind=Kind.CLOCK, about="host")
        self._latest = max(self._latest, now)
        row = database.execute("SELECT clock_timestamp()").fetchone()
        if row and abs(row[0] - datetime.now(UTC)) > _CLOCKS_APART:
            yield Finding(kind=Kind.CLOCK, about="database")
        row = database.execute("SELECT max(signed_at) FROM compliance_checkpoint").fetchone()
        if row and row[0] and row[0] > datetime.now(UTC) + timedelta(seconds=_STEP_BACK_SECONDS):
            yield Finding(kind=Kind.CLOCK, about="signer")

    def _disks(self, database: Database) -> Iterator[Finding]:
        least = float(os.environ.get("CLOISTER_DISK_FREE_PERCENT") or 5)
        for name, folder in (("home", self.home), ("postgres", self.home / "postgres")):
            if not folder.exists():
                continue
            used = shutil.disk_usage(folder)
            if used.free / used.total * 100 < least:
                yield Finding(kind=Kind.DISK, about=name)
        most = float(os.environ.get("CLOISTER_DATABASE_GIGABYTES") or 0)
        row = database.execute("SELECT pg_database_size(current_database())").fetchone()
        if most and row and row[0] > most * 1e9:
            yield Finding(kind=Kind.DISK, about="database")


_MINE = frozenset({Kind.SILENT, Kind.BEHIND, Kind.CLOCK, Kind.DISK, Kind.UNGUARDED, Kind.NO_MONTH})


def _standing(database: Database) -> set[tuple[str, str]]:
    """Alarms of these kinds that stood when this process began: it may be the one to clear them."""
    rows = database.execute(
        "SELECT kind, subject FROM compliance_alarm WHERE cleared_at IS NULL"
        " AND kind = ANY (%s) AND NOT (kind = 'clock' AND subject LIKE '%%/%%')",
        [[str(kind) for kind in _MINE]],
    )
    return {(kind, subject) for kind, subject in rows}
