"""Whatever is done to an export is found, or has changed nothing that the verdict vouches for.

Twice over: with the digests left as they were, any change at all is found; with the digests made
anew, as somebody would who covers their tracks, a good verdict means that every event, root and
ciphertext is the original one. CLOISTER_MUTATIONS says how many are tried.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import verify
from compliance.verify import check_export, split_note, unpack
from tests.exported import Log, damage, header, keys, list_again

MUTATIONS = int(os.environ.get("CLOISTER_MUTATIONS", "500"))
SMALL, LARGE = Log.made(20), Log.made(300)
PATIENT = settings(
    max_examples=MUTATIONS // 2,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass
class Copy:
    """An export that can be changed and put back."""

    folder: Path
    log: Log
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = self.now()

    def now(self) -> dict[str, bytes]:
        """Every file as it is."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def put_back(self) -> None:
        """Undo every change."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            name = str(path.relative_to(self.folder))
            if path.is_symlink() or (not path.is_dir() and name not in self.files):
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        for name, data in self.files.items():
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            if not path.exists() or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[Copy]:
    """A small log, a larger one, and a part of that."""
    folder = tmp_path_factory.mktemp("exports")
    return [
        Copy(SMALL.write(folder / "small", 7, 20), SMALL),
        Copy(LARGE.write(folder / "large", 256, 300), LARGE),
        Copy(LARGE.write(folder / "part", 100, 300, ranges=[(3, 9), (250, 290)]), LARGE),
    ]


@pytest.fixture(autouse=True)
def _signatures_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same signature has the same verdict: thousands of examples need not compute it anew."""
    remembered = lru_cache(maxsize=10_000)(verify.verify_ed25519)
    monkeypatch.setattr(verify, "verify_ed25519", remembered)


Draw = Callable[[st.SearchStrategy[Any]], Any]


def one_file(draw: Draw, copy: Copy) -> Path:
    name = draw(st.sampled_from(sorted(copy.files)))
    return copy.folder / str(name)


@st.composite
def changed_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a bit flipped, a piece cut out, doubled, swapped or put in."""
    how = draw(st.sampled_from(["flip", "cut", "put", "swap", "double", "truncate", "byte"]))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    length = draw(st.sampled_from([1, 2, 32, 64]) | st.integers(1, 600))
    piece = data[at : at + length]
    if how == "flip" and data:
        return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
    if how == "byte" and data:
        return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    if how == "cut":
        return data[:at] + data[at + length :]
    if how == "swap":
        return data[:at] + data[at + length : at + 2 * length] + piece + data[at + 2 * length :]
    if how == "double":
        return data[:at] + piece + data[at:]
    if how == "truncate":
        return data[:at]
    return data[:at] + draw(st.binary(min_size=1, max_size=70)) + data[at:]


def mutate(draw: Draw, copy: Copy) -> None:
    """Do one thing to the folder."""
    how = draw(st.sampled_from(["bytes"] * 6 + ["delete", "insert", "swap", "link", "events"]))
    path = one_file(draw, copy)
    if how == "bytes" and path.is_file():
        path.write_bytes(draw(changed_bytes(path.read_bytes())))
    elif how == "delete" and path.is_file():
        path.unlink()
    elif how == "insert":
        near = path.parent / draw(st.sampled_from(["000", "001", "notes", "a" * 64, "9"]))
        if not near.exists() and near.parent.is_dir():
            near.write_bytes(draw(st.binary(max_size=70)))
    elif how == "swap":
        other = one_file(draw, copy)
        if path.is_file() and other.is_file():
            one, two = path.read_bytes(), other.read_bytes()
            path.write_bytes(two)
            other.write_bytes(one)
    elif how == "link" and path.is_file():
        path.unlink()
        path.symlink_to("/dev/zero")
    elif how == "events":
        mutate_events(draw, copy)


def mutate_events(draw: Draw, copy: Copy) -> None:
    """Change, swap, delete or slip in an event, and make the bundle whole again."""
    path = copy.folder / draw(
        st.sampled_from([name for name in sorted(copy.files) if name.startswith("tile/entries/")])
    )
    if not path.is_file():
        return
    try:
        entries = unpack(path.read_bytes())
    except verify.NotValid:
        entries = []
    if not entries:
        return
    one, two = (draw(st.integers(0, len(entries) - 1)) for _ in range(2))
    how = draw(st.sampled_from(["swap", "empty", "delete", "double", "rewrite"]))
    if how == "swap":
        entries[one], entries[two] = entries[two], entries[one]
    elif how == "empty":
        entries[one] = b""
    elif how == "delete":
        del entries[one]
    elif how == "double":
        entries[one] = entries[two]
    else:
        entries[one] = header(draw(st.integers(0, 400)), outcome="refused")
    path.write_bytes(b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries))


@PATIENT
@given(st.data())
def test_any_change_is_found(exports: list[Copy], data: st.DataObject) -> None:
    copy = data.draw(st.sampled_from(exports))
    try:
        for _ in range(data.draw(st.integers(1, 2))):
            mutate(data.draw, copy)
        linked = any(path.is_symlink() for path in copy.folder.rglob("*"))
        changed = linked or copy.now() != copy.files
        assert bool(check_export(copy.folder).damage) == changed
    finally:
        copy.put_back()


@PATIENT
@given(st.data())
def test_a_good_verdict_vouches_for_what_was_recorded(
    exports: list[Copy], data: st.DataObject
) -> None:
    copy = data.draw(st.sampled_from(exports))
    kept = copy.files["checkpoint"].decode()
    try:
        for _ in range(data.draw(st.integers(1, 3))):
            mutate(data.draw, copy)
        list_again(copy.folder)
        report = check_export(copy.folder, keys(), [kept])
        if not report.damage:
            assert vouched_for(copy.folder, copy.log)
            body, _ = split_note((copy.folder / "checkpoint").read_text())
            assert body == split_note(kept)[0]
    finally:
        copy.put_back()


@settings(PATIENT, max_examples=MUTATIONS // 10)
@given(st.data())
def test_a_tail_that_was_built_anew_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Somebody with the log's own key changes events and makes everything above them again."""
    log = data.draw(st.sampled_from([SMALL, LARGE]))
    size, headers = len(log.headers), log.headers.copy()
    at, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    how = data.draw(st.sampled_from(["edit", "delete", "insert", "swap", "truncate"]))
    if how == "edit":
        headers[at] = header(at, outcome="refused")
    elif how == "delete":
        del headers[at]
    elif how == "insert":
        headers.insert(at, header(1_000))
    elif how == "truncate":
        del headers[at:]
    else:
        headers[at], headers[other] = headers[other], headers[at]
    folder = tmp_path_factory.mktemp("rebuilt") / "export"
    forged = Log.of(headers, log.contents)
    forged.write(folder, len(headers), cosignatures=(), quorum=0, content="any")
    found = damage(folder, keys=keys(), kept=[log.checkpoint(size)])
    shutil.rmtree(folder)
    if headers == log.headers:
        assert set(found) == {"quorum"}
        return
    assert found.keys() & {"root", "shorter"}
    # Nobody kept a checkpoint, but witnesses have not seen this tree.
    assert "quorum" in found


def vouched_for(folder: Path, log: Log) -> bool:
    """Every event, checkpoint and ciphertext in there is one of the log's."""
    recorded = set(log.headers) | {b""}
    for path in (folder / "tile/entries").rglob("*"):
        if path.is_file():
            assert set(unpack(path.read_bytes())) <= recorded
    for path in (folder / "checkpoints").iterdir():
        assert split_note(path.read_text())[0] == split_note(log.checkpoint(int(path.name)))[0]
    return all(path.read_bytes() in log.contents for path in (folder / "content").iterdir())


def test_no_change_is_no_damage(exports: list[Copy]) -> None:
    for copy in exports:
        assert check_export(copy.folder).damage == {}
        list_again(copy.folder)
        assert check_export(copy.folder, keys()).damage == {}
        assert copy.now() == copy.files
