"""Every kind of damage is found and named with its first bad index; no damage, no alarm."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance import canonical, note, verify
from compliance.note import SigningKey
from compliance.verify import CannotCheck, check_export, split_note
from tests.exported import (
    KEY,
    ORIGIN,
    START,
    WITNESSES,
    Log,
    damage,
    header,
    keys,
    list_again,
    uuid_of,
)

LOG = Log.made(700)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """All of a log of 700 events, with four checkpoints."""
    return LOG.write(tmp_path / "export", 100, 256, 513, 700)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513])
def test_a_whole_log_of_any_size_is_good(tmp_path: Path, size: int) -> None:
    Log.made(size).write(tmp_path / "export", size)
    report = check_export(tmp_path / "export")
    assert report.damage == {}
    assert report.facts["events"] == report.facts["size"] == size


def test_a_good_export_says_what_it_vouches_for(export: Path) -> None:
    report = check_export(export, keys(), [LOG.checkpoint(256)])
    assert report.damage == {}
    assert report.notes == []
    facts = report.facts
    assert facts["size"] == 700
    assert facts["signed_by"] == [KEY.vkey]
    assert set(facts["witnesses"]) == {witness.vkey for witness in WITNESSES}
    assert facts["ranges"] == [[0, 700]]
    assert (facts["writers"], facts["contents"], facts["kept"]) == (2, 140, 1)


@pytest.mark.parametrize(
    "ranges", [[(300, 400)], [(0, 1)], [(699, 700)], [(5, 6), (258, 300), (302, 303)], [(256, 512)]]
)
def test_part_of_a_log_is_good_too(tmp_path: Path, ranges: list[tuple[int, int]]) -> None:
    LOG.write(tmp_path / "export", 100, 513, 700, ranges=ranges)
    report = check_export(tmp_path / "export", keys())
    assert report.damage == {}
    assert report.facts["ranges"] == [list(pair) for pair in ranges]
    count = sum(end - first for first, end in ranges)
    assert report.notes == [
        f"This is a part of the record: {count} of 700 events. The rest is withheld."
    ]


def test_what_lies_outside_the_range_is_not_shown(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 700, ranges=[(300, 400)])
    shown = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert uuid_of("event", 300).encode() in shown
    assert uuid_of("event", 299).encode() not in shown
    assert not (folder / "tile/entries/000").exists()


# --- Files -------------------------------------------------------------------------------------


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_changed_file_is_not_what_was_listed(export: Path) -> None:
    flip(export / "README.txt")
    assert damage(export) == {"manifest": None}


def test_a_file_that_was_added_is_found(export: Path) -> None:
    (export / "content" / ("0" * 64)).write_bytes(b"more")
    assert damage(export) == {"manifest": None, "content": None}


def test_a_file_that_no_export_has_is_found_though_listed(export: Path) -> None:
    (export / "tile" / "notes.txt").write_bytes(b"more")
    list_again(export)
    assert damage(export)["file"] is None


def test_a_missing_list_is_damage(export: Path) -> None:
    (export / "MANIFEST.sha256").unlink()
    assert damage(export) == {"manifest": None}


# --- Events ------------------------------------------------------------------------------------


def rewrite(export: Path, change: Callable[[list[bytes]], None], number: int = 1) -> None:
    """Change the entries of one bundle, and list the digests anew."""
    path = export / "tile/entries" / f"{number:03}"
    entries = verify.unpack(path.read_bytes())
    change(entries)
    path.write_bytes(b"".join(len(one).to_bytes(2, "big") + one for one in entries))
    list_again(export)


def test_an_edited_header_is_named(export: Path) -> None:
    def edit(entries: list[bytes]) -> None:
        entries[44] = entries[44].replace(b'"done"', b'"nope"')

    rewrite(export, edit)
    assert damage(export) == {"leaf": 300}


def test_the_first_of_many_is_named(export: Path) -> None:
    def edit(entries: list[bytes]) -> None:
        for at in (200, 44, 90):
            entries[at] = entries[at].replace(b'"done"', b'"nope"')

    rewrite(export, edit)
    report = check_export(export)
    assert (report.damage["leaf"].index, report.damage["leaf"].count) == (300, 3)


def test_two_events_that_changed_places_are_named(export: Path) -> None:
    def swap(entries: list[bytes]) -> None:
        entries[10], entries[12] = entries[12], entries[10]

    rewrite(export, swap)
    assert damage(export)["leaf"] == 266


def test_a_deleted_event_is_missed(export: Path) -> None:
    def delete(entries: list[bytes]) -> None:
        entries[10] = b""

    rewrite(export, delete)
    found = damage(export)
    assert found["numbering"] == 266
    assert found["writer"] == 268


def test_an_event_less_in_a_bundle_is_a_damaged_bundle(export: Path) -> None:
    rewrite(export, lambda entries: entries.__delitem__(10))
    assert damage(export)["bundle"] == 256


def test_a_bundle_that_is_gone_is_missed(export: Path) -> None:
    (export / "tile/entries/001").unlink()
    list_again(export)
    assert damage(export)["numbering"] == 256


def test_an_event_that_the_policy_does_not_name_is_found(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 700, ranges=[(300, 400)])

    def show(entries: list[bytes]) -> None:
        entries[10] = LOG.headers[266]

    rewrite(folder, show)
    assert damage(folder)["numbering"] == 266


# --- Tree --------------------------------------------------------------------------------------


def test_a_changed_leaf_differs_from_its_header_and_from_the_tile_above(export: Path) -> None:
    flip(export / "tile/0/001", at=32 * 7)
    list_again(export)
    assert damage(export) == {"leaf": 263, "tree": 256}


def test_a_changed_hash_above_is_found(export: Path) -> None:
    flip(export / "tile/1/000.p/2", at=32)
    list_again(export)
    assert damage(export) == {"tree": 256, "root": 256}


@pytest.mark.parametrize("length", [0, 32, 8192 - 32, 8192 + 32])
def test_a_tile_of_another_length_is_named(export: Path, length: int) -> None:
    path = export / "tile/0/001"
    path.write_bytes((path.read_bytes() * 2)[:length])
    list_again(export)
    assert damage(export) == {"tile": 256}


def test_a_missing_tile_is_named(export: Path) -> None:
    (export / "tile/0/001").unlink()
    list_again(export)
    assert damage(export)["tile"] == 256


def test_a_tile_that_the_tree_does_not_have_is_named(export: Path) -> None:
    (export / "tile/0/009").write_bytes(bytes(8192))
    list_again(export)
    assert damage(export) == {"tile": 700}


def rebuilt(folder: Path, headers: list[bytes]) -> Path:
    """An export of other headers, with a tree and tiles of their own, under the old checkpoints."""
    other = Log.of(headers, LOG.contents)
    other.write(folder, len(headers), content="any")
    for size in (100, 256, 513, 700):
        name = "checkpoint" if size == 700 else f"checkpoints/{size}"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(LOG.checkpoint(size))
    lines = [f"{size} {line}" for size in (100, 256, 513, 700) for _, line in LOG.cosigned(size)]
    (folder / "cosignatures").write_text("".join(lines))
    list_again(folder)
    return folder


def test_a_rewritten_log_does_not_lead_to_the_signed_root(tmp_path: Path) -> None:
    headers = LOG.headers.copy()
    headers[300] = header(300, outcome="refused")
    assert damage(rebuilt(tmp_path / "export", headers)) == {"root": 256}


def test_a_rewritten_tail_is_bad_from_the_last_root_that_holds(tmp_path: Path) -> None:
    headers = LOG.headers[:600] + [header(index, outcome="failed") for index in range(600, 700)]
    assert damage(rebuilt(tmp_path / "export", headers)) == {"root": 513}


def resigned(folder: Path, headers: list[bytes]) -> Path:
    """The same with the log's stolen key: a new tree, newly signed, but not by the witnesses."""
    size = len(headers)
    sizes = (100, 256, 513, size) if size > 513 else (size,)
    return Log.of(headers, LOG.contents).write(folder, *sizes, cosignatures=(), content="any")


def test_a_log_that_was_signed_anew_lacks_its_witnesses(tmp_path: Path) -> None:
    headers = LOG.headers.copy()
    headers[300] = header(300, outcome="refused")
    assert damage(resigned(tmp_path / "export", headers)) == {"quorum": 700}


def test_a_log_that_was_signed_anew_differs_from_a_checkpoint_kept_elsewhere(
    tmp_path: Path,
) -> None:
    headers = LOG.headers.copy()
    headers[300] = header(300, outcome="refused")
    folder = resigned(tmp_path / "export", headers)
    kept = [LOG.checkpoint(size) for size in (256, 400)]
    assert damage(folder, kept=kept) == {"quorum": 700, "root": 256}


def test_a_log_that_was_cut_is_shorter_than_a_checkpoint_kept_elsewhere(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 513)
    assert damage(folder) == {}
    assert damage(folder, kept=[LOG.checkpoint(700)]) == {"shorter": 513}


def test_a_kept_checkpoint_far_from_the_exported_part_cannot_be_compared(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 700, ranges=[(0, 100)])
    assert damage(folder, kept=[LOG.checkpoint(size) for size in (50, 256, 512, 700)]) == {}
    with pytest.raises(CannotCheck, match="cannot be compared"):
        check_export(folder, kept=[LOG.checkpoint(400)])
    flip(folder / "README.txt")
    assert damage(folder, kept=[LOG.checkpoint(400)]) == {"manifest": None}


def test_a_checkpoint_of_another_history_is_a_fork(tmp_path: Path) -> None:
    headers = LOG.headers.copy()
    headers[50] = header(50, outcome="refused")
    other = Log.of(headers)
    folder = LOG.write(tmp_path / "export", 256, 700)
    (folder / "checkpoints/100").write_text(other.checkpoint(100))
    list_again(folder)
    assert damage(folder) == {"root": 0}


# --- Signatures --------------------------------------------------------------------------------


def test_a_checkpoint_of_another_key_is_not_the_logs(tmp_path: Path) -> None:
    stolen = SigningKey.new(ORIGIN)
    folder = LOG.write(tmp_path / "export", 700)
    note_text = note.with_lines(
        LOG.checkpoint(700, key=stolen), [line for _, line in LOG.cosigned(700)]
    )
    (folder / "checkpoint").write_text(note_text)
    list_again(folder)
    assert damage(folder) == {"signature": 700}


def test_keys_put_in_with_the_forgery_are_not_the_keys_one_has(tmp_path: Path) -> None:
    forger = SigningKey.new(ORIGIN)
    folder = LOG.write(
        tmp_path / "export",
        700,
        log=[forger.vkey],
        checkpoints=[LOG.checkpoint(700, key=forger)],
        cosignatures=(),
        witnesses=(),
        quorum=0,
    )
    report = check_export(folder)
    assert report.damage == {}
    [remark] = report.notes
    assert remark.startswith("The keys came with the export.")
    assert damage(folder, keys=keys()) == {"signature": 700, "quorum": 700}


def test_a_cosignature_over_something_else_is_found(export: Path) -> None:
    body, _ = split_note(LOG.checkpoint(513))
    line = note.cosign(body, WITNESSES[0], time=1)
    path = export / "cosignatures"
    path.write_text(path.read_text() + f"256 {line}")
    list_again(export)
    assert damage(export) == {"cosignature": 256}


def test_a_missing_witness_is_missed(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 700, cosignatures=LOG.cosigned(700)[:1])
    assert damage(folder) == {"quorum": 700}
    folder = LOG.write(tmp_path / "enough", 700, cosignatures=LOG.cosigned(700)[:1], quorum=1)
    assert damage(folder) == {}


def test_a_log_is_not_its_own_witness(tmp_path: Path) -> None:
    own = note.SigningKey(name=ORIGIN, kind=verify.COSIGNED, private=KEY.private)
    body, _ = split_note(LOG.checkpoint(700))
    cosigned = [(700, note.cosign(body, own, time=int(START.timestamp()) + 10_000))]
    folder = LOG.write(
        tmp_path / "export", 700, witnesses=[own.vkey], cosignatures=cosigned, quorum=1
    )
    assert damage(folder) == {"policy": None}


def test_a_checkpoint_of_another_log_is_refused(tmp_path: Path) -> None:
    folder = LOG.write(tmp_path / "export", 700)
    policy = json.loads((folder / "policy.json").read_bytes()) | {"origin": "other.example"}
    (folder / "policy.json").write_bytes(canonical.encode(policy))
    list_again(folder)
    assert damage(folder) == {"checkpoint": None}


# --- What headers say --------------------------------------------------------------------------


def of_headers(folder: Path, headers: list[bytes], **options: Any) -> dict[str, int | None]:
    """What is found in a log that was made of these headers and signed in good faith."""
    log = Log.of(headers)
    late = options.pop("late", 1)
    cosigned = options.pop("cosigned", log.cosigned(len(headers), late=late))
    return damage(log.write(folder, len(headers), cosignatures=cosigned, **options))


def spelled(index: int, old: bytes, new: bytes) -> list[bytes]:
    headers = [header(number) for number in range(300)]
    assert old in headers[index]
    headers[index] = headers[index].replace(old, new, 1)
    return headers


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v": 1'),
        (b'{"actor"', b'{ "actor"'),
        (b'"done"', b'"don\\u0065"'),
        (b'"page":270', b'"page":270.0'),
        (b'"page":270', b'"page":0270'),
        (b'"page":270', b'"page":27e1'),
        (b'"page":270', b'"page":-0'),
        (b'"page":270', b'"page":9007199254740993'),
        (b'"page":270', b'"page":' + b"9" * 5_000),
        (b'"page":270', b'"page":NaN'),
        (b'"page":270', b'"page":"\\ud800"'),
        (b'"page":270', b'"page":"a\tb"'),
        (b'"page":270', b'"page":"\xff"'),
        (b'"page":270', b'"page":270,"page":270'),
        (b'"page":270', b'"sha256":"a","page":270'),
        (b'"page":270', b'"page":' + b"[" * 30_000 + b"]" * 30_000),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":true'),
        (b'"salt":"', b'"salt":"00'),
        (b'"type":"', b'"type":"A'),
        (b'"time":"2026-03-01T08:45:00.000000Z"', b'"time":"2026-02-30T08:45:00.000000Z"'),
        (b'"time":"2026-03-01T08:45:00.000000Z"', b'"time":"2026-03-01T24:45:00.000000Z"'),
        (b'"time":"2026-03-01T08:45:00.000000Z"', b'"time":"2026-03-01T08:45:00Z"'),
        (b'"seq":136', b'"seq":-1'),
        (b'"seq":136', b'"seq":true'),
        (b'"seq":136,', b""),
    ],
)
def test_a_header_in_another_spelling_is_named(tmp_path: Path, old: bytes, new: bytes) -> None:
    found = of_headers(tmp_path / "export", spelled(270, old, new))
    assert found.pop("header") == 270
    # The writer's counter is not read from a header that is not one.
    assert found in ({}, {"writer": 272})


def test_the_same_id_twice_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    headers[280] = header(280, id=uuid_of("event", 3))
    assert of_headers(tmp_path / "export", headers) == {"twice": 280}
    headers[281] = header(281, id=uuid_of("event", 280))
    headers[282] = header(282, id=uuid_of("event", 280))
    assert of_headers(tmp_path / "within", headers) == {"twice": 280}


def test_a_gap_in_a_writers_counter_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    del headers[100]
    assert of_headers(tmp_path / "export", headers) == {"writer": 101}


def test_a_counter_that_goes_back_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    headers[100] = header(100, seq=3)
    assert of_headers(tmp_path / "export", headers) == {"writer": 100}


def test_a_writer_that_does_not_begin_at_one_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    headers[200] = header(200, writer="late", seq=2)
    headers[202:] = [header(index, writer="x", seq=index - 201) for index in range(202, 300)]
    assert of_headers(tmp_path / "export", headers) == {"writer": 200}


def test_headers_without_writers_are_good(tmp_path: Path) -> None:
    headers = [canonical.encode(_without_writer(index)) for index in range(300)]
    assert of_headers(tmp_path / "export", headers) == {}


def _without_writer(index: int) -> dict[str, Any]:
    said = json.loads(header(index))
    return {name: value for name, value in said.items() if name not in ("writer", "seq")}


def at(index: int, seconds: int) -> bytes:
    """An event whose clock was off by so much."""
    time = START + timedelta(seconds=10 * index + seconds)
    return header(index, time=time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def test_a_clock_that_was_set_back_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(270)] + [
        at(index, -300) for index in range(270, 300)
    ]
    assert of_headers(tmp_path / "export", headers) == {"time": 270}


def test_one_event_from_the_future_does_not_spoil_those_after_it(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    headers[150] = at(150, 1_000_000)
    log = Log.of(headers)
    report = check_export(log.write(tmp_path / "export", 300, cosignatures=log.cosigned(300)))
    assert [(found.kind, found.index, found.count) for found in report.damage.values()] == [
        ("time", 150, 1)
    ]


def test_a_long_transaction_is_no_damage(tmp_path: Path) -> None:
    headers = [at(index, -40) if index % 9 == 0 else header(index) for index in range(300)]
    assert of_headers(tmp_path / "export", headers) == {}


def test_an_event_from_after_its_witness_is_named(tmp_path: Path) -> None:
    headers = [header(index) for index in range(300)]
    assert of_headers(tmp_path / "export", headers, late=-200) == {"time": 286}


def test_an_event_from_before_an_earlier_witness_is_named(tmp_path: Path) -> None:
    log = Log.of([header(index) for index in range(300)])
    cosigned = [*log.cosigned(100, late=200), *log.cosigned(300)]
    folder = log.write(tmp_path / "export", 100, 300, cosignatures=cosigned)
    assert damage(folder) == {"time": 100}


# --- Contents ----------------------------------------------------------------------------------


def test_a_changed_ciphertext_is_named_by_its_event(export: Path) -> None:
    digest = json.loads(LOG.headers[300])["content"]
    flip(export / "content" / digest)
    list_again(export)
    assert damage(export) == {"content": 300}


def test_a_missing_ciphertext_is_named_unless_any_may_be_missing(tmp_path: Path) -> None:
    for name, found in (("all", {"content": 300}), ("any", {})):
        folder = LOG.write(tmp_path / name, 700, content=name)
        for index in (300, 600):
            (folder / "content" / json.loads(LOG.headers[index])["content"]).unlink()
        list_again(folder)
        assert damage(folder) == found


def test_two_ciphertexts_that_changed_places_are_named(export: Path) -> None:
    one, other = (export / "content" / json.loads(LOG.headers[at])["content"] for at in (5, 10))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    list_again(export)
    assert damage(export) == {"content": 5}


def test_a_ciphertext_that_no_event_names_is_found(export: Path) -> None:
    data = b"somebody else's"
    (export / "content" / hashlib.sha256(data).hexdigest()).write_bytes(data)
    list_again(export)
    assert damage(export) == {"content": None}


def test_where_there_is_no_export_nothing_can_be_checked(tmp_path: Path) -> None:
    for nothing in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CannotCheck):
            check_export(nothing)
    file = tmp_path / "file"
    file.write_bytes(b"text")
    with pytest.raises(CannotCheck):
        check_export(file)


def test_a_kept_checkpoint_of_another_log_says_nothing(export: Path) -> None:
    for kept in ("nonsense", LOG.checkpoint(256, key=SigningKey.new("other.example"))):
        with pytest.raises(CannotCheck):
            check_export(export, kept=[kept])
