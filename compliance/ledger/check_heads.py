"""Check signed heads and witnesses' lines, wherever they are kept: what they say binds the tree."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compliance.ledger.anchors import from_one_line, one_line
from compliance.ledger.check_tree import Tree
from compliance.ledger.database import Database
from compliance.ledger.place import Place
from compliance.ledger.witnessing import read_witnesses
from compliance.verify import (
    COSIGNED,
    Checkpoint,
    Key,
    NotValid,
    Report,
    read_body,
    read_signature_line,
    split_note,
)

Keys = Mapping[str, Key]
"""The log's key, and those of the logs before it, by origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest head that holds: for whoever asks up to where the record is signed."""

    size: int = 0
    signed_at: datetime | None = None
    cosigned: tuple[tuple[str, int, int], ...] = ()
    """(witness, size, Unix time): the newest line of each."""


def check(database: Database, tree: Tree, report: Report, *, log: Keys, place: Place) -> Newest:
    """Check the heads from the tree's size on and claim their roots; give the newest."""
    start = tree.edge.size
    bodies: dict[int, str] = {}
    signed_at: datetime | None = None
    size = 0
    rows = database.execute(
        "SELECT size, root, note, signed_at FROM compliance_checkpoint WHERE size >= %s"
        " ORDER BY size",
        [start],
    )
    for size, root, note, at in rows:
        checkpoint = _read(report, note, log, where=f"checkpoint {size}")
        if checkpoint is None:
            continue
        if (checkpoint.size, checkpoint.root) != (size, bytes(root)):
            says = "the row's size or root is not the note's"
            report.add("checkpoint", says, index=size, where=f"checkpoint {size}")
        if signed_at is not None and at < signed_at:
            report.add("time", "signed before the head that stands before it", index=size)
        signed_at = at
        bodies[checkpoint.size] = checkpoint.body
        tree.claim(checkpoint.size, "checkpoint", checkpoint.root)
    cosigned = _cosignatures(database, report, bodies, place, start)
    return Newest(size=size, signed_at=signed_at, cosigned=cosigned)


def kept(place: Place, log: Keys, report: Report) -> Iterator[tuple[str, Checkpoint]]:
    """Heads that are kept outside the database: the signer's memory, the anchor file."""
    try:
        newest = _last_note(place.anchor)
    except (OSError, ValueError) as error:
        report.notes.append(f"{place.anchor} was not read: {error}")
    else:
        if newest and (checkpoint := _read(report, newest, log, where="anchor")):
            yield "anchor", checkpoint
    try:
        head = json.loads(place.head.read_bytes())["note"]
    except (OSError, ValueError, KeyError):
        report.notes.append("the signer's own head was not read")
    else:
        if checkpoint := _read(report, head, log, where="signer"):
            yield "signer", checkpoint


def _read(report: Report, note: str, log: Keys, *, where: str) -> Checkpoint | None:
    """A note that the log's key has signed; None when it cannot be read at all."""
    try:
        body, signatures = split_note(note)
        checkpoint = read_body(body)
    except NotValid as error:
        report.add("checkpoint", error, where=where)
        return None
    index = checkpoint.size
    key = log.get(checkpoint.origin)
    if key is None:
        report.add("checkpoint", "the origin is not this log's", index=index, where=where)
        return checkpoint
    lines = [line for name, line in signatures if (name, line[:4]) == (key.name, key.key_id)]
    if not lines or not _holds(key, body.encode(), lines[0][4:]):
        report.add("signature", "the log's key has not signed it", index=index, where=where)
    return checkpoint


def _cosignatures(
    database: Database, report: Report, bodies: dict[int, str], place: Place, start: int
) -> tuple[tuple[str, int, int], ...]:
    known = {witness.key.name: witness.key for witness in read_witnesses(place)}
    newest: dict[str, tuple[str, int, int]] = {}
    rows = database.execute(
        "SELECT size, witness, line FROM compliance_cosignature WHERE size >= %s ORDER BY size",
        [start],
    )
    for size, name, line in rows:
        key = known.get(name)
        if key is None:
            report.notes.append(f"lines of {name} were passed over: it is not a witness here")
            continue
        where = f"{name} at {size}"
        try:
            time = cosigned_at(key, bodies.get(size, ""), line)
        except NotValid as error:
            report.add("cosignature", error, index=size, where=where)
            continue
        newest[name] = (name, size, time)
    report.notes[:] = dict.fromkeys(report.notes)
    return tuple(newest.values())


def cosigned_at(key: Key, body: str, line: str) -> int:
    """When a witness has signed a head. Raises NotValid when it has not."""
    if not body:
        raise NotValid("there is no checkpoint of this size")
    name, signature = read_signature_line(line)
    if key.kind != COSIGNED or (name, signature[:4]) != (key.name, key.key_id):
        raise NotValid("the line is of another key")
    time = int.from_bytes(signature[4:12], "big")
    message = f"cosignature/v1\ntime {time}\n{body}".encode()
    if len(signature) != 76 or not _holds(key, message, signature[12:]):
        raise NotValid("the line does not sign this checkpoint")
    return time


def _holds(key: Key, message: bytes, signature: bytes) -> bool:
    # There may be a million of these: the library is a hundred times as fast as verify.py's own.
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _last_note(file: Path) -> str:
    """The last whole head of the anchor file; empty when there is none yet."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - 10_000))
            text = opened.read().decode()
    except FileNotFoundError:
        return ""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    if len(blocks) < 2:
        return ""
    # Heads and their signatures take turns; a torn last one is passed over.
    for at in range(len(blocks) - 1, 0, -1):
        if blocks[at].lstrip("\n").startswith("— "):
            note = blocks[at - 1].lstrip("\n") + "\n\n" + blocks[at].strip("\n") + "\n"
            return from_one_line(one_line(note))
    return ""
