"""Vectors are divided into cells of near neighbours, the same way each time."""

from typing import Any

import numpy as np
import pytest

from assistant.documents import cells

CELLS = 7


@pytest.fixture
def vectors() -> Any:
    random = np.random.default_rng(1)
    topics = random.standard_normal((CELLS, 16))
    made = topics[random.integers(0, CELLS, 300)] + 0.1 * random.standard_normal((300, 16))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_the_same_seed_gives_the_same_centres(vectors: Any) -> None:
    first, second = (cells.centres_of(vectors, cells=CELLS, seed=3) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)


def test_neighbours_share_a_cell(vectors: Any) -> None:
    centres = cells.centres_of(vectors, cells=CELLS, seed=3)
    home = cells.nearest(vectors, centres)
    assert (np.einsum("ij,ij->i", vectors, centres[home]) > 0.5).all()


@pytest.mark.parametrize("piece", [1, 99, 100, 300])
def test_mean_and_spread_do_not_hang_on_the_pieces(vectors: Any, piece: int) -> None:
    centres = cells.centres_of(vectors, cells=CELLS, seed=3)
    home = cells.nearest(vectors, centres)
    sums = cells.Sums(CELLS)
    for begin in range(0, len(vectors), piece):
        sums.add(vectors[begin : begin + piece], home[begin : begin + piece])
    for number, (mean, spread) in enumerate(sums.cells(otherwise=centres)):
        own = vectors[home == number]
        assert np.allclose(mean, own.mean(axis=0), atol=1e-5)
        by_hand = np.sqrt(((own - own.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert spread == pytest.approx(by_hand, abs=1e-4)


def test_an_empty_cell_stays_where_it_was(vectors: Any) -> None:
    centres = cells.centres_of(vectors, cells=CELLS, seed=3)
    sums = cells.Sums(CELLS)
    sums.add(vectors[:10], np.zeros(10, dtype=np.int64))
    last, spread = list(sums.cells(otherwise=centres))[-1]
    assert np.array_equal(last, centres[-1])
    assert spread == 0


@pytest.mark.parametrize(
    ("passages", "wanted"), [(1, 1), (130, 1), (200_000, 1538), (10**8, 16_000)]
)
def test_cells_hold_about_as_many_passages_at_any_size(passages: int, wanted: int) -> None:
    assert cells.how_many(passages) == wanted
