"""Hand out what anybody can check: a part of the record with its proofs, or one event's proof.

Both are recorded before the first byte is written.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from compliance import bundle, log, note, proof
from compliance.bundle import Export
from compliance.events import Context, EventProved, RecordExported
from compliance.ledger import keys, tree
from compliance.ledger.database import Database
from compliance.ledger.errors import CannotRun
from compliance.ledger.keys import PublicKeys
from compliance.ledger.place import Place
from compliance.ledger.witnessing import read_witnesses

_HEAD = """
SELECT c.size, c.note FROM compliance_checkpoint c
 WHERE c.size >= %s AND starts_with(c.note, %s)
 ORDER BY (SELECT count(*) FROM compliance_cosignature s
            WHERE s.size = c.size AND s.witness = ANY (%s)) DESC, c.size DESC LIMIT 1
"""
_LINES = """
SELECT line, witness FROM compliance_cosignature WHERE size = %s AND witness = ANY (%s)
"""
_RANGE = """
SELECT l.idx, e.header FROM compliance_event e JOIN compliance_leaf l ON l.event_id = e.event_id
 WHERE e.recorded_at >= %s AND e.recorded_at < %s AND l.idx < %s ORDER BY l.idx
"""
_COUNT = """
SELECT count(*), coalesce(max(l.idx) + 1, 0)
  FROM compliance_event e JOIN compliance_leaf l ON l.event_id = e.event_id
 WHERE e.recorded_at >= %s AND e.recorded_at < %s
"""
_PLACE = """
SELECT l.idx, e.header FROM compliance_leaf l JOIN compliance_event e ON e.event_id = l.event_id
 WHERE l.event_id = %s
"""
_CURSOR_ROWS = 2_000
_WAIT_SECONDS = 6.0


class NotThere(Exception):
    """There is no such event, or it is not signed yet. The message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    size: int
    note: str
    lines: tuple[str, ...]
    witnesses: tuple[str, ...]


def export(
    database: Database,
    place: Place,
    folder: Path,
    *,
    after: datetime,
    before: datetime,
    contents: Iterable[bytes | Path] = (),
    context: Context | None = None,
) -> int:
    """Write the events of a time, and what proves them, to a new folder; gives their number.

    `before` is not included. `contents` are the ciphertexts that go along. Raises NotThere when
    nothing is signed yet, bundle.AlreadyThere when the folder exists.
    """
    public = _public(place)
    row = database.execute(_COUNT, [after, before]).fetchone()
    count, end = row if row else (0, 0)
    head = _head(database, place, public.origin, at_least=end)
    log.append_alone(
        RecordExported(after=after.isoformat(), before=before.isoformat(), events=count),
        context=context or Context(),
    )
    bundle.write(
        folder,
        Export(
            origin=public.origin,
            log=[public.vkey],
            checkpoints=[head.note],
            cosignatures=[(head.size, line) for line in head.lines],
            witnesses=head.witnesses,
            quorum=len(head.lines),
            content="any",
            about={"after": after.isoformat(), "before": before.isoformat()},
        ),
        headers=_headers(database, after, before, head.size),
        hash_at=tree.hash_at(database),
        contents=contents,
    )
    return int(count)


def prove(
    database: Database, place: Place, event_id: UUID, *, context: Context | None = None
) -> str:
    """One event's proof, as text that stands alone. Raises NotThere."""
    public = _public(place)
    row = database.execute(_PLACE, [event_id]).fetchone()
    if row is None:
        raise NotThere(f"Event {event_id} is not in the record, or has no number yet.")
    index, header = row
    head = _head(database, place, public.origin, at_least=index + 1)
    log.append_alone(EventProved(object=event_id, number=index), context=context or Context())
    policy = bundle.policy_of(
        Export(
            origin=public.origin,
            log=[public.vkey],
            checkpoints=[head.note],
            witnesses=head.witnesses,
            quorum=len(head.lines),
        )
    )
    return proof.write(
        header=bytes(header),
        index=index,
        checkpoint=note.with_lines(head.note, [f"{line}\n" for line in head.lines]),
        hash_at=tree.hash_at(database),
        policy=policy,
    )


def _public(place: Place) -> PublicKeys:
    public = keys.read_public(place)
    if public is None:
        raise CannotRun(f"{place.public}/public.json is not there: no signer was set up.")
    return public


def _head(database: Database, place: Place, origin: str, *, at_least: int) -> _Head:
    """The head that most witnesses have signed, and the newest of those.

    What has just happened is waited for: a head takes a second, a witness a few more.
    """
    vkeys = {one.key.name: one.vkey for one in read_witnesses(place)}
    names = list(vkeys)
    give_up_at = time.monotonic() + _WAIT_SECONDS
    while True:
        row = database.execute(_HEAD, [at_least, f"{origin}\n", names]).fetchone()
        lines = database.execute(_LINES, [row[0], names]).fetchall() if row else []
        if (row and len(lines) == len(names)) or time.monotonic() > give_up_at:
            break
        time.sleep(0.2)
    if row is None:
        raise NotThere(f"The first {at_least} events are not signed yet. Is the signer running?")
    size, text = row
    return _Head(
        size=size,
        note=text,
        lines=tuple(line for line, _ in lines),
        witnesses=tuple(vkeys.values()),
    )


def _headers(
    database: Database, after: datetime, before: datetime, size: int
) -> Iterator[tuple[int, bytes]]:
    with database.transaction(), database.cursor(name="headers") as cursor:
        cursor.itersize = _CURSOR_ROWS
        cursor.execute(_RANGE, [after, before, size])
        for index, header in cursor:
            yield index, bytes(header)
