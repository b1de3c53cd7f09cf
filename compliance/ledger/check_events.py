"""Check every event against its header, and the header against its leaf."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from compliance.ledger.database import Database
from compliance.verify import Headers, NotValid, Report, leaf_hash

CHUNK = 2_000
LATE = timedelta(hours=1)
"""How far an event's time may lie before that of the one before it: long transactions."""

_COLUMNS = "recorded_at type actor session request object matter outcome".split()
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROWS = f"""
SELECT l.idx, l.event_id, l.leaf, e.header, e.mac, e.leaf, {", ".join(f"e.{c}" for c in _COLUMNS)}
  FROM compliance_leaf l LEFT JOIN compliance_event e ON e.event_id = l.event_id
 WHERE l.idx >= %s ORDER BY l.idx LIMIT {CHUNK}
"""  # noqa: S608 - the columns are named above
_LACKING = """
SELECT wanted.event_id FROM unnest(%s::uuid[], %s::uuid[]) wanted(object, event_id)
  LEFT JOIN compliance_mention m ON m.object = wanted.object AND m.event_id = wanted.event_id
 WHERE m.event_id IS NULL LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the database has it, under its number."""

    idx: int
    event_id: UUID
    leaf: bytes
    header: bytes | None
    mac: bytes | None
    own_leaf: bytes | None
    columns: tuple[Any, ...]

    @property
    def recorded_at(self) -> datetime | None:
        """When it was recorded, as its column says."""
        at: datetime | None = self.columns[0]
        return at


def read(database: Database, start: int, end: int) -> Iterator[list[Row]]:
    """The numbered events from `start` on, in their order, a few thousand at a time."""
    while start < end:
        rows = [
            Row(idx, event_id, bytes(leaf), _bytes(header), _bytes(mac), _bytes(own), tuple(rest))
            for idx, event_id, leaf, header, mac, own, *rest in database.execute(_ROWS, [start])
        ]
        rows = [row for row in rows if row.idx < end]
        if not rows:
            return
        yield rows
        start = rows[-1].idx + 1


@dataclass(slots=True, kw_only=True)
class Events:
    """Checks events as they come by; counts what they mention."""

    report: Report
    mentions: int = 0
    count: int = 0
    _headers: Headers = field(default_factory=Headers)
    _last: datetime | None = None

    def check(self, database: Database, rows: Iterable[Row]) -> None:
        """Check some events, in their order."""
        objects: list[UUID] = []
        events: list[UUID] = []
        numbers: dict[UUID, int] = {}
        for row in rows:
            said = self._check(row)
            for named in mentioned(said):
                objects.append(named)
                events.append(row.event_id)
            numbers[row.event_id] = row.idx
            self._check_time(row)
        self.mentions += len(objects)
        self.count += len(numbers)
        lacking = database.execute(_LACKING, [objects, events]).fetchone() if objects else None
        if lacking:
            says = "what the event names is not in the table of mentions"
            self.report.add("mention", says, index=numbers[lacking[0]])

    def _check(self, row: Row) -> dict[str, Any]:
        """Check a row; give what its header says, or nothing when it cannot be read."""
        if row.header is None:
            self.report.add("missing", f"event {row.event_id} is gone", index=row.idx)
            return {}
        if leaf_hash(row.header) != row.leaf:
            self.report.add("leaf", "the header does not hash to its leaf", index=row.idx)
        try:
            self._headers.read(row.header)
            said: dict[str, Any] = json.loads(row.header)
        except (NotValid, ValueError) as error:
            self.report.add("header", error, index=row.idx)
            return {}
        wrong = wrong_columns(row, said)
        if wrong:
            says = f"{', '.join(wrong)} of event {row.event_id} differ from its header"
            self.report.add("column", says, index=row.idx)
        return said

    def _check_time(self, row: Row) -> None:
        at = row.recorded_at
        if at is None:
            return
        if self._last is not None and self._last - at > LATE:
            says = "long before the event that stands before it"
            self.report.add("time", says, index=row.idx)
        self._last = at if self._last is None else max(self._last, at)


def wrong_columns(row: Row, said: dict[str, Any]) -> list[str]:
    """The columns that do not say what the header says."""
    wrong = []
    if str(row.event_id) != said.get("id"):
        wrong.append("event_id")
    if row.own_leaf != row.leaf:
        wrong.append("leaf")
    for name, value in zip(_COLUMNS, row.columns, strict=True):
        if name == "recorded_at":
            told: Any = value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if value else None
            expected = said.get("time")
        else:
            told = None if value is None else str(value)
            expected = said.get(name)
        if told != expected:
            wrong.append(name)
    return wrong


def mentioned(said: dict[str, Any]) -> set[UUID]:
    """Everything that an event names: its object, its break-glass, ids in its fields."""
    named = {said.get("object"), said.get("emergency"), *_texts(said.get("fields"))}
    return {UUID(text) for text in named if isinstance(text, str) and _UUID.fullmatch(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
