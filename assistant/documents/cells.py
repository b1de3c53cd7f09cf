"""Divides vectors into cells of near neighbours: spherical k-means, in plain numpy.

Vectors have length one, so the nearest centre is the one with the largest product.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

PASSAGES_A_CELL = 130
"""Finer cells fit a budget better; below about a hundred the training costs more than it gives."""

MOST_CELLS = 16_000
"""What a vector of counts can hold."""

SAMPLES_A_CELL = 40
ROUNDS = 6
_BLOCK = 4_096

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]


def how_many(passages: int) -> int:
    """The number of cells for this many passages."""
    return max(1, min(MOST_CELLS, passages // PASSAGES_A_CELL))


def centres_of(sample: Vectors, *, cells: int, seed: int) -> Vectors:
    """`cells` centres for a sample of vectors; the same seed gives the same centres."""
    random = np.random.default_rng(seed)
    centres: Vectors = sample[random.choice(len(sample), cells, replace=len(sample) < cells)]
    for _ in range(ROUNDS):
        home = nearest(sample, centres)
        order = np.argsort(home, kind="stable")
        filled, starts = np.unique(home[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        # A centre that lost all its vectors begins anew somewhere else.
        moved: Vectors = sample[random.integers(0, len(sample), cells)].copy()
        moved[filled] = sums
        centres = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return centres


class Sums:
    """Adds up the vectors of each cell, piece by piece, for their means and how far they spread."""

    def __init__(self, cells: int) -> None:
        self._sums = np.zeros((cells, 0), dtype=np.float64)
        self._counts = np.zeros(cells, dtype=np.int64)

    def add(self, vectors: Vectors, home: Numbers) -> None:
        """Count these vectors to the cells whose places (from 0) `home` names."""
        if not self._sums.size:
            self._sums = np.zeros((len(self._counts), vectors.shape[1]))
        order = np.argsort(home, kind="stable")
        filled, starts = np.unique(home[order], return_index=True)
        self._sums[filled] += np.add.reduceat(vectors[order], starts, axis=0)
        self._counts += np.bincount(home, minlength=len(self._counts))

    def cells(self, *, otherwise: Vectors) -> Iterator[tuple[Vectors, float]]:
        """Each cell's mean and spread; an empty one is where `otherwise` puts it, without spread.

        For vectors of length one the mean square distance to the mean is one less its square.
        """
        for number, count in enumerate(self._counts.tolist()):
            if not count:
                yield otherwise[number], 0.0
                continue
            mean: Vectors = (self._sums[number] / count).astype(np.float32)
            yield mean, max(0.0, 1 - float(mean @ mean)) ** 0.5


def nearest(vectors: Vectors, centres: Vectors) -> Numbers:
    """For each vector the place of its nearest centre, counted from 0."""
    found = np.empty(len(vectors), dtype=np.int64)
    for rows in _blocks(len(vectors)):
        found[rows] = np.argmax(vectors[rows] @ centres.T, axis=1)
    return found


def _blocks(length: int) -> Iterator[slice]:
    for begin in range(0, length, _BLOCK):
        yield slice(begin, begin + _BLOCK)
