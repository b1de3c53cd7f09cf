"""A verifier that others wrote, for the same formats, says of a record what ours says."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compliance import verify
from compliance.merkle import consistency_path, inclusion_path
from compliance.tiles import Edge, tiles_hash_at
from compliance.verify import check_export, fold, leaf_hash, read_note, root_at
from tests.exported import Log, list_again
from tests.installation import CHECKOUT

SCRIPT = Path(__file__).with_name("another_verifier.py")
LOG = Log.made(700)
POLICY = json.dumps(
    {
        "origin": LOG.export(700).origin,
        "log": list(LOG.export(700).log),
        "witnesses": list(LOG.export(700).witnesses),
        "quorum": 2,
    }
)


def another(*words: str, stdin: str = "") -> dict[str, Any]:
    """What the other verifier prints, run in its own environment."""
    homes = [
        Path(home) for home in (os.environ.get("CLOISTER_SETUP_HOME"), CHECKOUT / "var") if home
    ]
    found = [python for home in homes if (python := home / "verifier/bin/python").exists()]
    if not found:
        pytest.skip("The independent verifier is not installed; run `make test`")
    done = subprocess.run(
        [str(found[0]), "-I", str(SCRIPT), *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def both(folder: Path) -> tuple[bool, bool]:
    """(ours, theirs): whether the export is good."""
    theirs = another("check", str(folder), stdin=POLICY)
    return not check_export(folder).damage, theirs["good"]


def test_both_find_an_export_good(tmp_path: Path) -> None:
    assert both(LOG.write(tmp_path / "export", 1, 255, 256, 257, 513, 700)) == (True, True)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("tile/entries/001", 300),
        ("tile/entries/002.p/188", 5_000),
        ("tile/0/000", 32 * 77),
        ("tile/0/002.p/188", 32 * 187),
        ("tile/1/000.p/2", 40),
        ("checkpoint", 30),
        ("checkpoints/513", 30),
        ("checkpoint", -20),
    ],
)
def test_both_find_what_was_changed(tmp_path: Path, name: str, at: int) -> None:
    folder = LOG.write(tmp_path / "export", 513, 700)
    flip(folder / name, at)
    list_again(folder)
    assert both(folder) == (False, False)


@pytest.mark.parametrize("name", ["tile/0/001", "tile/1/000.p/2", "checkpoint", "tile/entries/000"])
def test_both_miss_what_was_removed(tmp_path: Path, name: str) -> None:
    folder = LOG.write(tmp_path / "export", 513, 700)
    (folder / name).unlink()
    list_again(folder)
    assert both(folder) == (False, False)


def test_both_ask_for_the_witnesses(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 513, 700, cosignatures=LOG.cosigned(700)[:1])
    assert both(folder) == (False, False)


def test_our_tree_has_the_roots_and_proofs_of_theirs() -> None:
    count = 300
    theirs = another("make", str(count))
    leaves = [leaf_hash(f"event {number}".encode()) for number in range(count)]
    tiles = {(tile.level, tile.number): tile.data for tile in Edge().extend(leaves)}
    hash_at = tiles_hash_at(lambda level, number: tiles[level, number])

    def texts(hashes: list[bytes]) -> list[str]:
        return [base64.b64encode(one).decode() for one in hashes]

    assert texts([root_at(size, hash_at) for size in range(count + 1)]) == theirs["roots"]
    ours = [texts(inclusion_path(index, count, hash_at)) for index in range(count)]
    assert ours == theirs["inclusion"]
    ours = [texts(consistency_path(size, count, hash_at)) for size in range(1, count + 1)]
    assert ours == theirs["consistency"]
    assert hash_at(8, 0) == fold(b"".join(leaves[:256]))


def test_we_read_what_they_signed() -> None:
    theirs = another("make", "5")
    read = read_note(theirs["note"], [theirs["log"], theirs["witness"]])
    assert (read.size, read.root) == (5, base64.b64decode(theirs["roots"][5]))
    assert [signature.time for signature in read.signatures] == [None, 1_700_000_000]
    with pytest.raises(verify.NotValid):
        read_note(theirs["note"].replace("\n5\n", "\n6\n"), [theirs["log"]])
