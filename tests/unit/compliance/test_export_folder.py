"""An export is written whole, in the layout of C2SP tlog-tiles, and never over another."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance import bundle
from compliance.bundle import AlreadyThere
from compliance.tiles import pack
from compliance.verify import number_path, tile_name, tile_path, tile_width, unpack
from tests.exported import Log, damage, header

LOG = Log.made(300)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_has_the_layout_that_other_tools_read(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 256, 300)
    there = {name for name in names(folder) if not name.startswith("content/")}
    assert there == {
        "checkpoint",
        "checkpoints/256",
        "cosignatures",
        "policy.json",
        "README.txt",
        "verify.py",
        "MANIFEST.sha256",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    }
    listed = subprocess.run(
        ["sha256sum", "--check", "--strict", "MANIFEST.sha256"], cwd=folder, capture_output=True
    )
    assert listed.returncode == 0


def test_the_newest_checkpoint_carries_its_witnesses(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 256, 300)
    lines = (folder / "checkpoint").read_text().split("\n\n")[1].splitlines()
    assert len(lines) == 3
    assert (folder / "checkpoints/256").read_text() == LOG.checkpoint(256)
    assert len((folder / "cosignatures").read_text().splitlines()) == 4


def test_a_witness_that_looked_twice_has_one_line_in_the_checkpoint(tmp_path: Path) -> None:
    lines = [*LOG.cosigned(300, late=1), *LOG.cosigned(300, late=9)]
    folder = LOG.write(tmp_path / "export", 300, cosignatures=lines)
    signed = (folder / "checkpoint").read_text().split("\n\n")[1].splitlines()
    assert signed[1:] == [line.rstrip() for _, line in lines[2:]]
    assert len((folder / "cosignatures").read_text().splitlines()) == 4
    assert damage(folder) == {}


def test_it_is_never_written_over_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(AlreadyThere):
            LOG.write(tmp_path / name, 300)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "link"]
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def headers() -> Iterator[tuple[int, bytes]]:
        yield from enumerate(LOG.headers[:200])
        raise ConnectionError("the database went away")

    with pytest.raises(ConnectionError):
        bundle.write(tmp_path / "export", LOG.export(300), headers=headers(), hash_at=LOG.hash_at)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "chosen", [[(5, b"{}"), (4, b"{}")], [(5, b"{}"), (5, b"{}")], [(300, b"{}")], [(1, b"")]]
)
def test_events_out_of_order_are_refused(tmp_path: Path, chosen: list[tuple[int, bytes]]) -> None:
    with pytest.raises(ValueError, match="out of order"):
        bundle.write(tmp_path / "export", LOG.export(300), headers=chosen, hash_at=LOG.hash_at)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_no_events_proves_the_tree_alone(tmp_path: Path) -> None:
    export = LOG.export(256, 300)
    bundle.write(tmp_path / "export", export, headers=[], hash_at=LOG.hash_at)
    assert damage(tmp_path / "export") == {}


def test_contents_may_come_as_files(tmp_path: Path) -> None:
    data = b"ciphertext"
    digest = hashlib.sha256(data).hexdigest()
    log = Log.of([header(0, content=digest)])
    (tmp_path / "blob").write_bytes(data)
    bundle.write(
        tmp_path / "export",
        log.export(1),
        headers=[(0, log.headers[0])],
        hash_at=log.hash_at,
        contents=[tmp_path / "blob"],
    )
    assert (tmp_path / "export/content" / digest).read_bytes() == data
    assert damage(tmp_path / "export") == {}


def test_one_checkpoint_of_a_size_is_enough(tmp_path: Path) -> None:
    for sizes in ((), (300, 300)):
        with pytest.raises(ValueError, match="one checkpoint or more"):
            LOG.write(tmp_path / "export", 300, checkpoints=[LOG.checkpoint(s) for s in sizes])


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_tiles_are_numbered_as_the_specification_says(number: int, path: str) -> None:
    assert number_path(number) == path
    assert tile_path(2, number, 17) == f"tile/2/{path}.p/17"
    assert tile_name(f"tile/2/{path}.p/17") == ("2", number, 17)
    assert tile_name(f"tile/2/x000/{path}") is None


def test_a_tree_of_70000_has_the_tiles_of_the_specifications_example() -> None:
    assert [tile_width(70_000, 0, number) for number in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width(70_000, 1, number) for number in (0, 1, 2)] == [256, 17, 0]
    assert [tile_width(70_000, level, 0) for level in (2, 3)] == [1, 0]


def test_a_bundle_takes_entries_up_to_its_limit() -> None:
    entries = [b"", b"x", bytes(65_535)]
    assert unpack(pack(entries)) == entries
    with pytest.raises(ValueError, match="65536 bytes"):
        pack([bytes(65_536)])
