"""Runs with somebody else's library (aics-tlog), in its own environment: it knows nothing of ours.

python another_verifier.py check FOLDER < policy.json     → {"good": …, "why": …}
python another_verifier.py make COUNT                     → a log of its own making
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from aics_tlog import (
    Checkpoint,
    FileSystemTileReader,
    MerkleTree,
    Note,
    audit_tiles,
    consistency_proof_from_tiles,
    cosignature_vkey,
    format_vkey,
    inclusion_proof_from_tiles,
    parse_note,
    parse_vkey,
    read_entry,
    sign_checkpoint,
    sign_cosignature,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
    vkey_from_ed25519,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def check(folder: Path, policy: dict[str, Any]) -> None:
    """Raises ValueError, OSError or AssertionError when anything does not hold."""
    log = parse_vkey(policy["log"][0])
    witnesses = [parse_vkey(key) for key in policy["witnesses"]]
    newest = verify_checkpoint(
        parse_note((folder / "checkpoint").read_bytes()),
        log,
        witnesses,
        policy["quorum"],
        expected_origin=policy["origin"],
    )
    assert newest.ok, newest.error
    reader = FileSystemTileReader(folder)
    audit_tiles(reader, newest.size, newest.root)
    for path in sorted((folder / "checkpoints").glob("*")):
        old = verify_checkpoint(parse_note(path.read_bytes()), log)
        assert old.ok, old.error
        proof = consistency_proof_from_tiles(reader, old.size, newest.size)
        assert verify_consistency(old.size, newest.size, old.root, newest.root, proof), path.name
    for index in {0, newest.size // 3, newest.size - 1}:
        entry = read_entry(reader, index, newest.size)
        proof = inclusion_proof_from_tiles(reader, index, newest.size)
        assert verify_leaf_inclusion(entry, index, newest.size, proof, newest.root), index


def make(count: int) -> dict[str, Any]:
    """Roots, proofs and signed notes over leaves `event 0`, `event 1`, …"""
    tree = MerkleTree([f"event {number}".encode() for number in range(count)])
    log, witness = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (7, 8))
    origin, name = "log.example/theirs", "witness.example/theirs"
    note = sign_checkpoint(Checkpoint(origin, count, tree.root()), log, origin)
    _, line = sign_cosignature(witness, name, 1_700_000_000, origin, count, tree.root())
    return {
        "roots": [text(tree.root(size)) for size in range(count + 1)],
        "inclusion": [texts(tree.inclusion_proof(index)) for index in range(count)],
        "consistency": [texts(tree.consistency_proof(size, count)) for size in range(1, count + 1)],
        "note": Note(text=note.text, signatures=(*note.signatures, line)).serialise(),
        "log": format_vkey(vkey_from_ed25519(origin, log.public_key())),
        "witness": format_vkey(cosignature_vkey(name, witness.public_key())),
    }


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def texts(hashes: list[bytes]) -> list[str]:
    return [text(one) for one in hashes]


def main() -> None:
    if sys.argv[1] == "make":
        print(json.dumps(make(int(sys.argv[2]))))
        return
    try:
        check(Path(sys.argv[2]), json.load(sys.stdin))
    except (ValueError, OSError, AssertionError) as error:
        print(json.dumps({"good": False, "why": f"{type(error).__name__}: {error}"}))
    else:
        print(json.dumps({"good": True, "why": ""}))


if __name__ == "__main__":
    main()
