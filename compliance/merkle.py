"""Grow an RFC 6962 tree and prove what stands in it. Checking is in compliance/verify.py.

`hash_at(level, index)` gives the hash of a complete subtree: of the leaves
[index * 2^level, (index + 1) * 2^level). `compliance.tiles` reads it out of tiles.
"""

from collections.abc import Iterable
from typing import Self

from compliance.verify import HashAt, node_hash, peaks_of, root_at, root_of_peaks

HASH_BYTES = 32


class Frontier:
    """A tree that can grow and tell its root, kept as the hashes of its complete subtrees.

    A tree of n leaves has as many of them as n has binary ones, at most 63.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Raises ValueError when the hashes are not those of a tree of this size."""
        self.size = size
        self._peaks = list(peaks)
        if size < 0 or [len(peak) for peak in self._peaks] != [HASH_BYTES] * size.bit_count():
            raise ValueError(f"These are not the complete subtrees of a tree of {size} leaves.")

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash on the right."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("A leaf hash has 32 bytes.")
        size = self.size
        while size & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            size >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes on the right, in their order."""
        for leaf in leaves:
            self.append(leaf)

    @property
    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return root_of_peaks(self._peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The hashes of the complete subtrees, from left to right."""
        return tuple(self._peaks)

    def to_bytes(self) -> bytes:
        """The state: eight bytes of size, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        hashes = range(8, len(state), HASH_BYTES)
        return cls(int.from_bytes(state[:8], "big"), [state[at : at + HASH_BYTES] for at in hashes])

    @classmethod
    def at(cls, size: int, hash_at: HashAt) -> Self:
        """The frontier of the first `size` leaves of a stored tree."""
        return cls(size, [hash_at(level, index) for level, index in peaks_of(size)])


def inclusion_path(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """The path that proves a leaf in a tree of `size` leaves (RFC 9162 section 2.1.3.1).

    Raises ValueError when the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    return _path(index, 0, size, hash_at)


def consistency_path(old_size: int, new_size: int, hash_at: HashAt) -> list[bytes]:
    """The path that proves the old tree to be the beginning of the new (RFC 9162, 2.1.4.1).

    Raises ValueError unless 0 < old_size <= new_size.
    """
    if not 0 < old_size <= new_size:
        raise ValueError(f"There is no proof from {old_size} to {new_size} leaves.")
    # The last complete subtree of the old tree takes the leaf's place. When it is the whole old
    # tree, the verifier has its hash already.
    level = (old_size & -old_size).bit_length() - 1
    index = (old_size >> level) - 1
    if old_size == new_size:
        return []
    path = _path(index, level, new_size, hash_at)
    return path if index == 0 else [hash_at(level, index), *path]


def _path(index: int, level: int, size: int, hash_at: HashAt) -> list[bytes]:
    """Siblings from the subtree (level, index) up to the root."""
    path: list[bytes] = []
    while index << level < size and (size - 1) >> level:
        sibling = index ^ 1
        if sibling + 1 << level <= size:
            path.append(hash_at(level, sibling))
        elif sibling << level < size:
            path.append(_ragged(level, sibling, size, hash_at))
        index, level = index >> 1, level + 1
    return path


def _ragged(level: int, index: int, size: int, hash_at: HashAt) -> bytes:
    """The hash of the incomplete subtree that begins at (level, index) and ends with the tree."""
    first = index << level
    return root_at(size - first, lambda below, number: hash_at(below, (first >> below) + number))
