"""What the signer remembers by itself, apart from the database: its last head, where writers stand.

A file of SQLite in the signer's own folder; one transaction a round, on the disk before the head
goes out. Whoever changes the database changes nothing in here.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import UUID

from compliance.verify import EMPTY_ROOT

_TABLES = """
CREATE TABLE IF NOT EXISTS head (
    id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
    note TEXT NOT NULL, signed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS writer (
    id BLOB PRIMARY KEY, seq INTEGER NOT NULL, key BLOB, mac BLOB, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (
    writer BLOB NOT NULL, seq INTEGER NOT NULL, number INTEGER NOT NULL, header BLOB NOT NULL,
    mac BLOB, at TEXT NOT NULL, PRIMARY KEY (writer, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS definitions (seen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS untold (
    kind TEXT NOT NULL, about TEXT NOT NULL, number INTEGER, PRIMARY KEY (kind, about));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last head that was signed. `note` is empty before the first one."""

    size: int
    root: bytes
    note: str
    signed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a writer stands. Without `key` no MAC can be checked, without `mac` not the next."""

    seq: int
    key: bytes | None
    mac: bytes | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong: a kind of alarm, what it is about, the first number it concerns."""

    kind: str
    about: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An event as the signer reads it. `number` is None while it waits for one."""

    number: int | None
    recorded_at: datetime
    header: bytes
    mac: bytes | None


class Memory:
    """Opens the file, or makes it. `transaction` around changes; close it at the end."""

    def __init__(self, path: Path | None) -> None:
        """Without a path it lasts as long as this object, for one look at the whole record."""
        where = path or ":memory:"
        self._file = sqlite3.connect(where, isolation_level=None, check_same_thread=False)
        if path:
            path.chmod(0o600)
        self._file.executescript("PRAGMA synchronous = FULL;" + _TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is remembered inside, or nothing."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def head(self) -> Head:
        """The last head that was signed; that of an empty tree before the first one."""
        row = self._file.execute("SELECT size, root, note, signed_at FROM head").fetchone()
        if row is None:
            return Head(size=0, root=EMPTY_ROOT, note="", signed_at=None)
        size, root, note, signed_at = row
        moment = datetime.fromisoformat(signed_at)
        return Head(size=size, root=root, note=note, signed_at=moment)

    def remember_head(self, *, size: int, root: bytes, note: str, signed_at: datetime) -> None:
        """This head was signed."""
        self._file.execute(
            "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?)",
            [size, root, note, signed_at.isoformat()],
        )

    def stand(self, writer: UUID) -> Stand | None:
        """Where a writer stands; None for one that is not known."""
        row = self._file.execute(
            "SELECT seq, key, mac, at FROM writer WHERE id = ?", [writer.bytes]
        ).fetchone()
        if row is None:
            return None
        seq, key, mac, at = row
        return Stand(seq=seq, key=key, mac=mac, at=datetime.fromisoformat(at))

    def remember_stand(self, writer: UUID, stand: Stand) -> None:
        """A writer has come this far."""
        self._file.execute(
            "INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?, ?)",
            [writer.bytes, stand.seq, stand.key, stand.mac, stand.at.isoformat()],
        )

    def forget_writer(self, writer: UUID) -> None:
        """A writer has ended, and all it wrote was seen."""
        self._file.execute("DELETE FROM writer WHERE id = ?", [writer.bytes])

    def take_waiting(self) -> dict[UUID, dict[int, Written]]:
        """Events that came before an earlier one of their writer; they are no longer kept."""
        waiting: dict[UUID, dict[int, Written]] = {}
        rows = self._file.execute("SELECT writer, seq, number, header, mac, at FROM waiting")
        for writer, seq, number, header, mac, at in rows:
            waiting.setdefault(UUID(bytes=writer), {})[seq] = Written(
                number=number, recorded_at=datetime.fromisoformat(at), header=header, mac=mac
            )
        self._file.execute("DELETE FROM waiting")
        return waiting

    def keep_waiting(self, waiting: dict[UUID, dict[int, Written]]) -> None:
        """Keep events whose writer's earlier ones are not numbered yet."""
        rows = [
            (writer.bytes, seq, one.number, one.header, one.mac, one.recorded_at.isoformat())
            for writer, events in waiting.items()
            for seq, one in events.items()
        ]
        self._file.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?)", rows)

    def definitions_seen(self) -> int:
        """The last change of a definition that is on record."""
        row = self._file.execute("SELECT max(seen) FROM definitions").fetchone()
        return int(row[0] or 0)

    def remember_definitions(self, seen: int) -> None:
        """Changes of definitions are on record up to this one."""
        self._file.execute("DELETE FROM definitions")
        self._file.execute("INSERT INTO definitions VALUES (?)", [seen])

    def keep_untold(self, findings: Iterable[Finding]) -> None:
        """What is still to be made known: a crash does not take an alarm away."""
        rows = [(one.kind, one.about, one.number) for one in findings]
        self._file.executemany("INSERT OR IGNORE INTO untold VALUES (?, ?, ?)", rows)

    def untold(self) -> list[Finding]:
        """What was found and is not on record yet."""
        rows = self._file.execute("SELECT kind, about, number FROM untold ORDER BY rowid")
        return [Finding(kind=kind, about=about, number=number) for kind, about, number in rows]

    def told(self, finding: Finding) -> None:
        """It is on record now."""
        self._file.execute(
            "DELETE FROM untold WHERE kind = ? AND about = ?", [finding.kind, finding.about]
        )
