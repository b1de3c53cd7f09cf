"""Grow the tree again from its leaves, and hold everything against it that claims to be of it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from compliance.ledger.database import Database
from compliance.tiles import HASH_BYTES, Edge, Tile
from compliance.verify import TILE, Report

_ROOTS = """
SELECT size, root FROM compliance_root WHERE size > %s ORDER BY size
"""
_FULL = """
SELECT n, data FROM compliance_tile WHERE level = 0 AND n >= %s AND n < %s AND width = 256
"""
_UPPER = "SELECT n, width, data FROM compliance_tile WHERE level = %s AND n >= %s ORDER BY n, width"
_STRAY = "SELECT n FROM compliance_tile WHERE level = 0 AND (n >= %s OR width <> 256) LIMIT 1"


@dataclass(slots=True, kw_only=True)
class Tree:
    """Grows by leaves. `wanted` are the sizes of which somebody claims a root."""

    report: Report
    edge: Edge
    wanted: dict[int, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    _sizes: list[int] = field(default_factory=list)
    _upper: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def claim(self, size: int, who: str, root: bytes) -> None:
        """Somebody says that this was the root at this size."""
        self.wanted[size][who] = root

    def begin(self, database: Database) -> None:
        """Read the sequencer's own claims; the others' are made before."""
        for size, root in database.execute(_ROOTS, [self.edge.size]):
            self.claim(size, "root", bytes(root))
        self._judge(self.edge.size)
        self._sizes = sorted(size for size in self.wanted if size > self.edge.size)

    def grow(self, database: Database, leaves: list[bytes]) -> None:
        """Add leaves, compare roots on the way and the tiles that became full."""
        first = self.edge.size // TILE
        full: dict[int, bytes] = {}
        for part in self._parts(leaves):
            for tile in self.edge.extend(part):
                self._note(tile, full)
            self._judge(self.edge.size)
        last = self.edge.size // TILE
        stored = {n: bytes(data) for n, data in database.execute(_FULL, [first, last])}
        for number in range(first, last):
            if stored.get(number) != full[number]:
                self._differs(0, number, stored.get(number, b""), full[number])

    def finish(self, database: Database) -> None:
        """Compare the upper tiles, and say who claims more leaves than there are."""
        levels = {level for level, _ in self._upper}
        for level in sorted(levels):
            self._compare_level(database, level)
        stray = database.execute(_STRAY, [self.edge.size // TILE]).fetchone()
        if stray:
            says = "a tile is there of which the leaves are not"
            self.report.add("tile", says, index=stray[0] * TILE, where=f"tile 0/{stray[0]}")
        for size in sorted(size for size in self.wanted if size > self.edge.size):
            for who in self.wanted[size]:
                says = f"{who} has seen {size} events, and there are {self.edge.size}"
                self.report.add("truncated", says, index=self.edge.size, where=who)

    def _parts(self, leaves: list[bytes]) -> Iterator[list[bytes]]:
        """The leaves, cut where a root is claimed."""
        size, end = self.edge.size, self.edge.size + len(leaves)
        while self._sizes and self._sizes[0] <= end:
            cut = self._sizes.pop(0)
            yield leaves[: cut - size]
            leaves, size = leaves[cut - size :], cut
        if leaves:
            yield leaves

    def _note(self, tile: Tile, full: dict[int, bytes]) -> None:
        if tile.level:
            self._upper[tile.level, tile.number] = tile.data
        elif tile.width == TILE:
            full[tile.number] = tile.data

    def _judge(self, size: int) -> None:
        for who, root in self.wanted.get(size, {}).items():
            if root != self.edge.root:
                kind = "root" if who == "root" else "rewritten"
                says = f"{who} had another tree of {size} events"
                self.report.add(kind, says, index=size, where=who)

    def _compare_level(self, database: Database, level: int) -> None:
        ours = {n: data for (at, n), data in self._upper.items() if at == level}
        widest: dict[int, int] = {}
        for n, width, data in database.execute(_UPPER, [level, min(ours)]):
            expected = ours.get(n, b"")[: width * HASH_BYTES]
            if bytes(data) != expected or not data:
                self._differs(level, n, bytes(data), expected)
            widest[n] = width
        for n, data in ours.items():
            if (held := widest.get(n, 0) * HASH_BYTES) < len(data):
                self._differs(level, n, data[:held], data)

    def _differs(self, level: int, number: int, stored: bytes, expected: bytes) -> None:
        """Name the first leaf whose hash, or whose tile's, is not the stored one."""
        places = range(0, max(len(stored), len(expected)), HASH_BYTES)
        place = next(
            (at for at in places if stored[at : at + HASH_BYTES] != expected[at : at + HASH_BYTES]),
            0,
        )
        entry = number * TILE + place // HASH_BYTES
        known = self.report.damage.get("tile")
        is_known = known and known.index is not None and known.index // TILE**level == entry
        # The same damage, seen from above: the tile below has named the leaf.
        index = None if is_known else entry * TILE**level
        where = f"tile {level}/{number}"
        says = "is not the tile of its leaves" if stored else "is missing"
        self.report.add("tile", f"{where} {says}", index=index, where=where)
