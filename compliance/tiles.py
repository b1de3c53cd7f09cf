"""Keep a tree as tiles: 256 hashes a tile, 256 entries a bundle (C2SP tlog-tiles).

Reading is in compliance/verify.py: `tile_path`, `tile_width`, `unpack`, `tiles_hash_at`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from compliance.verify import TILE, fold, root_of_peaks
from compliance.verify import NotValid as NotValid
from compliance.verify import tile_path as tile_path
from compliance.verify import tile_width as tile_width
from compliance.verify import tiles_hash_at as tiles_hash_at
from compliance.verify import unpack as unpack

LARGEST_ENTRY = 2**16 - 1
"""Bytes: an entry's length is written in two."""

HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Neighbouring hashes of one level, as they are stored."""

    level: int
    number: int
    data: bytes

    @property
    def width(self) -> int:
        """How many hashes it holds."""
        return len(self.data) // HASH_BYTES


class Edge:
    """The right edge of a tree: at each level the tile that still has room.

    With it a tree grows by whole batches, and what has to be stored falls out:

        edge = Edge.of(size, read)
        changed = edge.extend(leaves)      # store each Tile over the one at its place
        edge.size, edge.root
    """

    __slots__ = ("_rows", "size")

    def __init__(self, size: int = 0, rows: Iterable[bytes] = ()) -> None:
        """`rows` are the bytes of the partial tiles from level 0 up, empty where there is none."""
        self.size = size
        self._rows = list(rows)
        levels = len(self._rows)
        widths = [(size >> 8 * level) % TILE * HASH_BYTES for level in range(levels)]
        if size < 0 or size >> 8 * levels or [len(row) for row in self._rows] != widths:
            raise ValueError(f"These are not the last tiles of a tree of {size} leaves.")

    @classmethod
    def of(cls, size: int, read: Callable[[int, int], bytes]) -> "Edge":
        """The edge of a stored tree; `read(level, number)` gives a tile, also a wider one."""
        rows = []
        level = 0
        while size >> 8 * level:
            hashes = size >> 8 * level
            wanted = hashes % TILE * HASH_BYTES
            rows.append(read(level, hashes // TILE)[:wanted] if wanted else b"")
            level += 1
        return cls(size, rows)

    def extend(self, leaves: Iterable[bytes]) -> list[Tile]:
        """Add leaf hashes; return every tile that is new or wider than it was."""
        hashes = b"".join(leaves)
        if len(hashes) % HASH_BYTES:
            raise ValueError("A leaf hash has 32 bytes.")
        changed: list[Tile] = []
        level, before = 0, self.size
        self.size += len(hashes) // HASH_BYTES
        while hashes:
            if level == len(self._rows):
                self._rows.append(b"")
            row = self._rows[level] + hashes
            first = (before >> 8 * level) // TILE
            size = TILE * HASH_BYTES
            cuts = [row[at : at + size] for at in range(0, len(row), size)]
            changed += [
                Tile(level=level, number=first + at, data=data) for at, data in enumerate(cuts)
            ]
            full = [data for data in cuts if len(data) == size]
            self._rows[level] = b"" if len(full) == len(cuts) else cuts[-1]
            hashes = b"".join(fold(data) for data in full)
            level += 1
        return changed

    @property
    def root(self) -> bytes:
        """The root of the tree as it is now."""
        peaks: list[bytes] = []
        for row in reversed(self._rows):
            count, at = len(row) // HASH_BYTES, 0
            for bit in range(7, -1, -1):
                if count >> bit & 1:
                    peaks.append(fold(row[at : at + (HASH_BYTES << bit)]))
                    at += HASH_BYTES << bit
        return root_of_peaks(peaks)


def pack(entries: Iterable[bytes]) -> bytes:
    """A bundle: each entry behind its length in two bytes. Raises ValueError for a longer one."""
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise ValueError(f"An entry of {len(entry)} bytes does not fit into a bundle.")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)
