"""The tree as the database keeps it: its size, its right edge, its hashes.

Level 0 is `compliance_leaf`; a full tile of it is in `compliance_tile` as well. Upper tiles are
stored each time they have grown; the widest one of a place holds the others.
"""

from collections.abc import Callable

from compliance.ledger.database import Database
from compliance.ledger.errors import Damaged
from compliance.tiles import Edge
from compliance.verify import TILE, HashAt, NotValid, tiles_hash_at


def size(database: Database) -> int:
    """How many leaves the sequencer says there are."""
    row = database.execute("SELECT coalesce(max(size), 0) FROM compliance_root").fetchone()
    return int(row[0]) if row else 0


def root_said(database: Database, wanted: int) -> bytes | None:
    """What the sequencer says the root was; None when no batch of its ended at that size."""
    row = database.execute("SELECT root FROM compliance_root WHERE size = %s", [wanted]).fetchone()
    return bytes(row[0]) if row else None


def edge(database: Database, wanted: int) -> Edge:
    """The right edge at a size. Raises Damaged when a piece of it is missing.

    Reads 255 leaves and one tile a level at most, whatever the size.
    """
    try:
        return Edge.of(wanted, reader(database))
    except ValueError as error:
        raise Damaged(
            "tile.missing", f"the tree of {wanted} leaves lacks hashes at its edge", index=wanted
        ) from error


def reader(database: Database) -> Callable[[int, int], bytes]:
    """Gives a tile's bytes by level and number, as wide as it is; empty when there is none."""

    def read(level: int, number: int) -> bytes:
        return _leaves(database, number) if level == 0 else _tile(database, level, number)

    return read


def hash_at(database: Database) -> HashAt:
    """Gives the hash of any complete subtree; keeps the last tiles it has read."""
    read, kept = reader(database), dict[tuple[int, int], bytes]()

    def remember(level: int, number: int) -> bytes:
        if (level, number) not in kept:
            if len(kept) > TILE:
                kept.clear()
            kept[level, number] = read(level, number)
        return kept[level, number]

    inner = tiles_hash_at(remember)

    def at(level: int, index: int) -> bytes:
        try:
            return inner(level, index)
        except NotValid as error:
            raise Damaged("tile.missing", str(error), index=index << level) from error

    return at


def _leaves(database: Database, number: int) -> bytes:
    rows = database.execute(
        "SELECT idx, leaf FROM compliance_leaf WHERE idx >= %s AND idx < %s ORDER BY idx",
        [number * TILE, (number + 1) * TILE],
    ).fetchall()
    for place, (idx, _) in enumerate(rows):
        if idx != number * TILE + place:
            raise Damaged("leaf.gap", "a leaf is missing", index=number * TILE + place)
    return b"".join(bytes(leaf) for _, leaf in rows)


def _tile(database: Database, level: int, number: int) -> bytes:
    row = database.execute(
        "SELECT data FROM compliance_tile WHERE level = %s AND n = %s ORDER BY width DESC LIMIT 1",
        [level, number],
    ).fetchone()
    return bytes(row[0]) if row else b""
