"""Whether what is shown is what was recorded, and up to where somebody has signed for it.

Each row shown is hashed again and compared with its leaf and its columns. The number in the tree
and the signed heads are the ledger's (`compliance_leaf`, `compliance_checkpoint`). Until it has
come to an event, that event says that it has no number yet.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from compliance.models import RecordedEvent

LATE = timedelta(minutes=1)
"""A head is signed every few seconds; after a minute without one, something is wrong."""

_COLUMNS = ("actor", "session", "request", "object", "matter")


class State(StrEnum):
    """How an event stands in the tree."""

    BROKEN = "broken"
    WAITING = "waiting"
    NUMBERED = "numbered"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The newest signed head: how many events it covers, by which key, since when."""

    size: int
    root: str
    note: str
    signed_at: datetime
    key: str
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one event stands: its number counted from 0, and the checkpoint that covers it."""

    state: State
    index: int | None = None
    damage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """What the head of the page says of the whole record. `alarms` are sentences of the ledger."""

    checkpoint: Checkpoint | None
    alarms: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the record is signed for up to now and nothing is wrong with it."""
        return bool(self.checkpoint and not self.checkpoint.is_late and not self.alarms)


def badge(now: datetime) -> Badge:
    """The newest checkpoint and what the ledger complains of."""
    return Badge(checkpoint=_newest(now), alarms=_alarms())


def marks(events: Sequence[RecordedEvent]) -> dict[UUID, Mark]:
    """How each of these events stands."""
    numbers = _numbers([event.event_id for event in events])
    newest = _newest(datetime.now(UTC))
    return {
        event.event_id: mark(event, numbers.get(event.event_id), newest.size if newest else 0)
        for event in events
    }


def mark(event: RecordedEvent, number: tuple[int, bytes] | None, signed: int) -> Mark:
    """How an event stands. `number` is its place and its leaf in the tree; `signed` events are
    covered by the newest checkpoint."""
    index = number[0] if number else None
    if damage := _damage(event, number[1] if number else None):
        return Mark(state=State.BROKEN, index=index, damage=damage)
    if index is None:
        return Mark(state=State.WAITING)
    return Mark(state=State.SIGNED if index < signed else State.NUMBERED, index=index)


def _damage(event: RecordedEvent, numbered: bytes | None) -> str:
    """What is wrong with a row, as a sentence; empty when it says what its header says."""
    leaf = hashlib.sha256(b"\0" + bytes(event.header)).digest()
    if leaf != bytes(event.leaf):
        return "The header is not the one that was hashed when the event was recorded."
    if numbered is not None and leaf != numbered:
        return "The header is not the one that was numbered in the tree."
    try:
        said = event.said()
        differing = _differing(event, said)
    except (ValueError, KeyError, TypeError):
        return "The header cannot be read."
    return f"The column “{differing}” does not say what the header says." if differing else ""


def _differing(event: RecordedEvent, said: dict[str, Any]) -> str:
    kept = {column: getattr(event, column) for column in _COLUMNS}
    for column, value in {**kept, "event_id": event.event_id}.items():
        written = said["id" if column == "event_id" else column]
        if (str(value) if value else None) != written:
            return column
    time = event.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for column, value in (("type", event.type), ("outcome", event.outcome), ("time", time)):
        if said[column] != value:
            return column
    return ""


def _newest(now: datetime) -> Checkpoint | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT size, encode(root, 'hex'), note, signed_at FROM compliance_checkpoint"
            " ORDER BY size DESC LIMIT 1"
        )
        found = cursor.fetchone()
    if found is None:
        return None
    size, root, note, signed_at = found
    return Checkpoint(
        size=size,
        root=root,
        note=note,
        signed_at=signed_at,
        key=_key(note),
        is_late=now - signed_at > LATE,
    )


def _key(note: str) -> str:
    """Who signed: the name in the first signature line of a signed note (C2SP signed-note)."""
    for line in note.splitlines():
        if line.startswith("\u2014 "):
            return line.split(" ")[1]
    return "unknown"


def _numbers(events: list[UUID]) -> dict[UUID, tuple[int, bytes]]:
    if not events:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id, idx, leaf FROM compliance_leaf WHERE event_id = ANY(%s)", [events]
        )
        return {event: (index, bytes(leaf)) for event, index, leaf in cursor.fetchall()}


def _alarms() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, subject FROM compliance_alarm WHERE cleared_at IS NULL ORDER BY since"
        )
        return tuple(f"{kind} {subject}".replace("_", " ").strip() for kind, subject in cursor)
