"""Number what is committed: pending events become leaves, in batches, each in one transaction.

Never "every id greater than the last one": ids commit out of order, and a cursor would skip rows
for ever. What stands in `compliance_pending` is committed and has no number; deleting it and
numbering it is one transaction. A long transaction delays its own events and nobody else's.

What a crash leaves: before the commit nothing happened, and the rows are still pending; after it
the batch is whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from compliance.ledger import tree
from compliance.ledger.database import Database
from compliance.ledger.errors import Damaged
from compliance.tiles import Edge, Tile
from compliance.verify import TILE

BATCH = 5_000
LOCK = "cloister.sequencer"
MONTHS_AHEAD = 3

# A batch ends between two milliseconds: within one, ids are in no order, and the events of one
# transaction would be parted.
_TAKE = """
DELETE FROM compliance_pending
 WHERE event_id <= coalesce(
    (SELECT (left(event_id::text, 14) || '7fff-ffff-ffffffffffff')::uuid FROM compliance_pending
      ORDER BY event_id OFFSET %s LIMIT 1), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
RETURNING recorded_at, event_id, leaf, writer, seq
"""
_LEAVES = """
INSERT INTO compliance_leaf (idx, event_id, leaf)
SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[])
"""
_TILES = """
INSERT INTO compliance_tile (level, n, width, data)
SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::smallint[], %s::bytea[])
"""
_ROOT = "INSERT INTO compliance_root (size, root, sequenced_at) VALUES (%s, %s, clock_timestamp())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An event that waits for its number."""

    recorded_at: datetime
    event_id: UUID
    leaf: bytes
    writer: UUID | None
    seq: int | None


def in_order(taken: Iterable[Taken]) -> list[Taken]:
    """By time, then by id; but what one writer has written stays in its order.

    A clock that steps back would turn a writer's events around. Such an event is put right behind
    the one before it, where everybody sees that its time is earlier.
    """
    latest: dict[UUID, datetime] = {}
    placed: list[tuple[datetime, int, UUID, Taken]] = []
    for one in sorted(taken, key=lambda one: one.seq or 0):
        place = one.recorded_at
        if one.writer is not None:
            place = latest[one.writer] = max(place, latest.get(one.writer, place))
        placed.append((place, one.seq or 0, one.event_id, one))
    placed.sort(key=lambda each: each[:3])
    return [each[3] for each in placed]


def become_active(database: Database) -> bool:
    """Whether this connection is the one that numbers now; it stays so until it is closed."""
    row = database.execute(
        "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK]
    ).fetchone()
    return bool(row and row[0])


def number_a_batch(database: Database, edge: Edge) -> int:
    """Give up to BATCH events their numbers and let the tree grow; returns how many.

    When this raises, the edge is of no more use: read it anew.
    """
    with database.transaction():
        taken = in_order(_take(database))
        if not taken:
            return 0
        before = edge.size
        tiles = [tile for tile in edge.extend(one.leaf for one in taken) if _is_kept(tile)]
        database.execute(
            _LEAVES,
            [
                list(range(before, edge.size)),
                [one.event_id for one in taken],
                [one.leaf for one in taken],
            ],
        )
        if tiles:
            columns: list[list[Any]] = [
                [tile.level for tile in tiles],
                [tile.number for tile in tiles],
                [tile.width for tile in tiles],
                [tile.data for tile in tiles],
            ]
            database.execute(_TILES, columns)
        database.execute(_ROOT, [edge.size, edge.root])
    return len(taken)


def _is_kept(tile: Tile) -> bool:
    # The hashes of a tile of leaves that is not full yet stand in the table of leaves.
    return tile.level > 0 or tile.width == TILE


def current_edge(database: Database) -> Edge:
    """The tree's edge as the last batch left it. Raises Damaged when it does not give its root.

    Numbering on from a damaged edge would bury the damage under new leaves.
    """
    edge = tree.edge(database, tree.size(database))
    if edge.size and tree.root_said(database, edge.size) != edge.root:
        raise Damaged(
            "root.mismatch", f"the tree of {edge.size} leaves has another root", index=edge.size
        )
    return edge


def make_months(database: Database) -> int:
    """Make the partitions of the coming months; returns how many were missing."""
    row = database.execute("SELECT compliance_make_months(%s)", [MONTHS_AHEAD]).fetchone()
    return int(row[0]) if row else 0


def _take(database: Database) -> list[Taken]:
    return [
        Taken(recorded_at=at, event_id=event_id, leaf=bytes(leaf), writer=writer, seq=seq)
        for at, event_id, leaf, writer, seq in database.execute(_TAKE, [BATCH - 1])
    ]
