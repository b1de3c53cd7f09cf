"""Whether the ciphertexts are those that the headers commit to; and the ciphertexts, to hand out.

For `audit verify` and `audit export`, on their own connection, whose role reads every event. No
Django is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

Database = psycopg.Connection[tuple[Any, ...]]

_BATCH = 500
FIRST = UUID(int=0)
"""Comes before every event."""

_KEPT = """
SELECT c.event_id, encode(sha256(c.ciphertext), 'hex'), e.header
  FROM compliance_content c LEFT JOIN compliance_event e ON e.event_id = c.event_id
 WHERE c.event_id > %s ORDER BY c.event_id LIMIT %s
"""
_NOT_KEPT = """
SELECT e.event_id FROM compliance_event e
 WHERE e.event_id > %s AND position('"content":"'::bytea IN e.header) > 0
   AND convert_from(e.header, 'UTF8')::jsonb ? 'content'
   AND NOT EXISTS (SELECT FROM compliance_content c WHERE c.event_id = e.event_id)
 ORDER BY e.event_id
"""
_BETWEEN = """
SELECT c.event_id, c.ciphertext
  FROM compliance_content c JOIN compliance_event e ON e.event_id = c.event_id
 WHERE e.recorded_at >= %s AND e.recorded_at < %s AND c.event_id > %s
 ORDER BY c.event_id LIMIT %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A ciphertext that is not what its event committed to."""

    event_id: UUID
    says: str


def damage(database: Database, *, after: UUID = FIRST) -> Iterator[Damage]:
    """Everything that differs, among the events whose ids come after `after`; ids begin with time.

    Content that was erased is no damage: its ciphertext is here as it was.
    """
    for event_id, sha256, header in _batches(database, _KEPT, (), after):
        if header is None:
            yield Damage(event_id=event_id, says="content of an event that is not there")
        elif f'"content":"{sha256}"'.encode() not in bytes(header):
            yield Damage(event_id=event_id, says="content is not what the event committed to")
    for (event_id,) in database.execute(_NOT_KEPT, [after]):
        yield Damage(event_id=event_id, says="the content that the event committed to is gone")


def ciphertexts(database: Database, *, after: datetime, before: datetime) -> Iterator[bytes]:
    """The ciphertexts of the events of a time, `before` not included."""
    for _, ciphertext in _batches(database, _BETWEEN, (after, before), FIRST):
        yield bytes(ciphertext)


def _batches(
    database: Database, statement: str, values: tuple[Any, ...], last: UUID
) -> Iterator[tuple[Any, ...]]:
    """The rows by event id, some at a time."""
    while True:
        rows = database.execute(statement, (*values, last, _BATCH)).fetchall()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1][0]
