"""The tree: what is appended, proved and checked agrees with RFC 6962 and with others' vectors."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.merkle import Frontier, consistency_path, inclusion_path
from compliance.tiles import Edge, tiles_hash_at
from compliance.verify import (
    fold,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.installation import SHARED_DATA

LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]
BOUNDARIES = (1, 2, 3, 4, 7, 8, 9, 127, 128, 129, 255, 256, 257, 511, 512, 513, 700)
ROOTS = {size: root_of(LEAVES[:size]) for size in range(701)}


def by_the_book(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(by_the_book(leaves[:split]), by_the_book(leaves[split:]))


def hash_at(level: int, index: int) -> bytes:
    return fold(b"".join(LEAVES[index << level : index + 1 << level]))


def vectors(name: str) -> list[dict[str, Any]]:
    path = SHARED_DATA / "merkle" / name
    if not Path(path).exists():
        pytest.skip("The shared data is not beside this checkout.")
    return [json.loads(line) for line in path.read_text().splitlines()]


def raw(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def test_inclusion_proofs_of_others_are_judged_as_they_say() -> None:
    cases = vectors("inclusion.jsonl")
    assert len(cases) == 98
    for case in cases:
        leaf, root = raw([case["leafHash"], case["root"]])
        holds = verify_inclusion(leaf, case["leafIdx"], case["treeSize"], raw(case["proof"]), root)
        assert holds != case["wantErr"], case["id"]


def test_consistency_proofs_of_others_are_judged_as_they_say() -> None:
    cases = vectors("consistency.jsonl")
    assert len(cases) == 98
    for case in cases:
        old, new = raw([case["root1"], case["root2"]])
        holds = verify_consistency(case["size1"], case["size2"], old, new, raw(case["proof"]))
        assert holds != case["wantErr"], case["id"]


def test_the_eight_known_leaves_have_the_known_roots() -> None:
    path = SHARED_DATA / "merkle" / "rfc6962_tree.json"
    if not path.exists():
        pytest.skip("The shared data is not beside this checkout.")
    known = json.loads(path.read_text())
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves_hex"]]
    assert leaves == raw(known["leaf_hashes"])
    assert root_of([]) == base64.b64decode(known["empty_root"])
    for size, root in known["roots_by_size"].items():
        assert root_of(leaves[: int(size)]) == base64.b64decode(root)


@pytest.mark.parametrize("size", BOUNDARIES)
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    assert ROOTS[size] == by_the_book(LEAVES[:size])


def test_a_tree_that_grows_has_each_root_on_its_way() -> None:
    frontier, edge = Frontier(), Edge()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root == edge.root == ROOTS[size]
        assert Frontier.from_bytes(frontier.to_bytes()).root == ROOTS[size]
        frontier.append(leaf)
        edge.extend([leaf])
    assert frontier.size == edge.size == len(LEAVES)


@given(st.lists(st.integers(0, 300), max_size=8))
def test_batches_of_any_size_store_the_same_tiles(batches: list[int]) -> None:
    edge, stored, at = Edge(), dict[tuple[int, int], bytes](), 0
    for batch in batches:
        leaves = [leaf_hash(b"%d" % number) for number in range(at, at + batch)]
        at += batch
        for tile in edge.extend(leaves):
            assert len(tile.data) > len(stored.get((tile.level, tile.number), b""))
            stored[tile.level, tile.number] = tile.data
        # What is stored is enough to go on from, and to make every hash again.
        edge = Edge.of(at, lambda level, number: stored[level, number])
        read = tiles_hash_at(lambda level, number: stored[level, number])
        assert Frontier.at(at, read).root == edge.root == root_at(at, read)
    whole = Edge()
    tiles = whole.extend(leaf_hash(b"%d" % number) for number in range(at))
    assert {(tile.level, tile.number): tile.data for tile in tiles} == stored
    assert whole.root == edge.root


@given(st.data())
def test_every_leaf_can_be_proved_and_nothing_else_with_its_proof(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(BOUNDARIES) | st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, hash_at)
    leaf, root = LEAVES[index], ROOTS[size]
    assert verify_inclusion(leaf, index, size, path, root)
    assert not verify_inclusion(LEAVES[index] + b"", index, size, [*path, leaf], root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, path, root)
    other = data.draw(st.integers(0, size).filter(lambda number: number != index))
    assert not verify_inclusion(leaf, other, size, path, root)
    if path:
        assert not verify_inclusion(leaf, index, size, path[:-1], root)
        assert not verify_inclusion(leaf, index, size, path, ROOTS[size - 1])


@given(st.data())
def test_the_old_tree_is_proved_to_be_the_beginning_of_the_new(data: st.DataObject) -> None:
    new = data.draw(st.sampled_from(BOUNDARIES) | st.integers(1, 700))
    old = data.draw(st.integers(1, new))
    path = consistency_path(old, new, hash_at)
    assert verify_consistency(old, new, ROOTS[old], ROOTS[new], path)
    if old < new:
        forked = root_of([*LEAVES[: old - 1], leaf_hash(b"forked")])
        assert not verify_consistency(old, new, forked, ROOTS[new], path)
        assert not verify_consistency(old, new, ROOTS[old], ROOTS[new], path[:-1])
        assert not verify_consistency(old, new, ROOTS[old], ROOTS[new - 1], path)


def test_hashes_of_another_length_prove_nothing() -> None:
    left, right = LEAVES[:2]
    assert verify_inclusion(left, 0, 2, [right], ROOTS[2])
    assert not verify_inclusion(left + right[:1], 0, 2, [right[1:]], ROOTS[2])


def test_there_is_no_proof_of_what_the_tree_does_not_have() -> None:
    with pytest.raises(ValueError, match="has no leaf 5"):
        inclusion_path(5, 5, hash_at)
    with pytest.raises(ValueError, match="no proof from 0"):
        consistency_path(0, 5, hash_at)
    with pytest.raises(ValueError, match="complete subtrees"):
        Frontier(3, [LEAVES[0]])
    with pytest.raises(ValueError, match="last tiles"):
        Edge(257, [LEAVES[0]])
