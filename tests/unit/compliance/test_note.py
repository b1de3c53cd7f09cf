"""Checkpoints are signed and read as C2SP has it, in one spelling."""

import base64

import pytest

from compliance import note
from compliance.note import SigningKey
from compliance.verify import (
    COSIGNED,
    NotValid,
    check_signature,
    read_body,
    read_note,
    read_vkey,
    split_note,
)
from tests.exported import KEY, ORIGIN, WITNESSES

ROOT = bytes(range(32))
TEXT = note.checkpoint_text(origin=ORIGIN, size=5, root=ROOT)
SIGNED_NOTE = note.sign(TEXT, KEY)
WITNESS = WITNESSES[0]
COSIGNED_NOTE = note.with_lines(SIGNED_NOTE, [note.cosign(TEXT, WITNESS, time=1_700_000_000)])

# The example of the C2SP signed-note specification.
KNOWN_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
KNOWN_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONn"
    "cAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def test_the_example_of_the_specification_holds() -> None:
    body, [(name, signature)] = split_note(KNOWN_NOTE)
    key = read_vkey(KNOWN_KEY)
    assert (name, signature[:4]) == (key.name, key.key_id)
    check_signature(body, key, signature)
    with pytest.raises(NotValid, match="not over this text"):
        check_signature(body.replace("an example", "no example"), key, signature)


def test_a_checkpoint_says_who_signed_it_and_who_saw_it_when() -> None:
    read = read_note(COSIGNED_NOTE, [KEY.vkey, WITNESS.vkey])
    assert (read.origin, read.size, read.root, read.body) == (ORIGIN, 5, ROOT, TEXT)
    found = [(signature.key.name, signature.time) for signature in read.signatures]
    assert found == [(ORIGIN, None), (WITNESS.name, 1_700_000_000)]


def test_a_signature_of_an_unknown_key_counts_for_nothing() -> None:
    assert len(read_note(COSIGNED_NOTE, [KEY.vkey]).signatures) == 1
    other = SigningKey.new(ORIGIN)
    with pytest.raises(NotValid, match="no known key"):
        read_note(SIGNED_NOTE, [other.vkey])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    later = note.cosign(TEXT.replace("\n5\n", "\n6\n"), WITNESS, time=1)
    with pytest.raises(NotValid, match="not over this text"):
        read_note(note.with_lines(SIGNED_NOTE, [later]), [KEY.vkey, WITNESS.vkey])


def test_a_witness_signs_the_time_too() -> None:
    line = note.cosign(TEXT, WITNESS, time=1_700_000_000)
    raw = bytearray(base64.b64decode(line.split()[-1]))
    raw[11] ^= 1
    changed = f"— {WITNESS.name} {base64.b64encode(raw).decode()}\n"
    with pytest.raises(NotValid, match="not over this text"):
        read_note(note.with_lines(SIGNED_NOTE, [changed]), [KEY.vkey, WITNESS.vkey])


@pytest.mark.parametrize("kind", [1, COSIGNED])
def test_a_private_key_is_written_and_read(kind: int) -> None:
    key = SigningKey.new("name.example/key", kind=kind)
    assert SigningKey.read(key.write() + "\n").vkey == key.vkey
    assert key.private.private_bytes_raw().hex() not in repr(key)
    for spoiled in ("", key.write()[:-4], key.write().replace("name", "other"), key.vkey):
        with pytest.raises(NotValid):
            SigningKey.read(spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        KEY.vkey.replace(ORIGIN, "other.example"),
        KEY.vkey.replace("+A", "+B", 1),
        KEY.vkey[:-1],
        KEY.vkey + "=",
        f"{ORIGIN}+00000000+{KEY.vkey.split('+', 2)[2]}",
        KEY.vkey.replace(ORIGIN, "two words"),
        "",
        "a+b",
    ],
)
def test_a_verifier_key_has_one_spelling(spoiled: str) -> None:
    with pytest.raises(NotValid):
        read_vkey(spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        TEXT.replace("\n5\n", "\n05\n"),
        TEXT.replace("\n5\n", "\n+5\n"),
        TEXT.replace("\n5\n", "\n٥\n"),
        TEXT.replace("\n5\n", f"\n{2**63}\n"),
        TEXT.replace("\n5\n", f"\n{'9' * 5_000}\n"),
        TEXT.replace("=\n", "\n"),
        TEXT.replace("=\n", "=\n\n"),
        TEXT[:-1],
        TEXT.replace("\n5\n", "\n5 \n"),
        TEXT.replace("\n", "\r\n"),
        "\n".join(TEXT.split("\n")[:2]) + "\n",
        "",
    ],
)
def test_a_checkpoint_has_one_spelling(spoiled: str) -> None:
    with pytest.raises(NotValid):
        read_body(spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        SIGNED_NOTE[:-1],
        SIGNED_NOTE.replace("—", "-"),
        SIGNED_NOTE.replace("— ", "—  "),
        SIGNED_NOTE.replace("\n\n", "\n"),
        SIGNED_NOTE + "\n",
        SIGNED_NOTE.replace("\n", "\r\n"),
        SIGNED_NOTE + "— nobody AAAA\n",
        SIGNED_NOTE + "— nobody AAAAAAA \n",
        SIGNED_NOTE + SIGNED_NOTE.split("\n\n")[1] * 200,
        "",
    ],
)
def test_a_note_has_one_spelling(spoiled: str) -> None:
    with pytest.raises(NotValid):
        read_note(spoiled, [KEY.vkey])


def test_a_key_signs_what_it_is_for() -> None:
    with pytest.raises(ValueError, match="log's key"):
        note.sign(TEXT, WITNESS)
    with pytest.raises(ValueError, match="witness's key"):
        note.cosign(TEXT, KEY, time=1)
    with pytest.raises(NotValid):
        note.cosign("anything else\n", WITNESS, time=1)
    with pytest.raises(NotValid):
        note.checkpoint_text(origin="", size=5, root=ROOT)
