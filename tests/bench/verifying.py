"""Check an export of 400,000 events, as somebody would who trusts neither us nor the database."""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from compliance import bundle, proof
from compliance.verify import check_export, check_proof, verify_ed25519
from tests.bench.place import Place
from tests.bench.table import Row, note
from tests.exported import KEY, Log, header, keys

EVENTS = 400_000
CHECKPOINTS = 40
SIGNATURES = 300


def run(place: Place) -> list[Row]:
    """How fast an export and a proof are checked; needs nothing of the installation."""
    return rows()


def rows() -> list[Row]:
    """The rows about checking, without an installation."""
    note(f"ledger: making {EVENTS} events…")
    log = Log.of([header(number) for number in range(EVENTS)])
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export"
        log.write(export, *range(EVENTS // CHECKPOINTS, EVENTS + 1, EVENTS // CHECKPOINTS))
        note("ledger: checking them…")
        return [_whole(export, log.headers), _alone(export), _damaged(export), _proof(log)]


def _whole(export: Path, headers: list[bytes]) -> Row:
    """Verifier and bare hashing in turns, in CPU time, so that a busy machine slows both alike."""
    ours, limits = [], []
    for _ in range(3):
        limits.append(_cpu_seconds(lambda: _hash_all(headers)))
        ours.append(_cpu_seconds(lambda: check_export(export, keys())))
    speed, limit = EVENTS / min(ours), EVENTS / min(limits)
    size = sum(map(len, headers)) // EVENTS
    return Row(
        path=f"verify an export: {EVENTS:,} events of {size} bytes, {CHECKPOINTS} checkpoints, all"
        " checks, one core",
        goal="≥ 200,000 events/s, or ≥ 0.3 of hashing leaves and nodes alone",
        measured=f"{speed:,.0f} events/s; {speed / limit:.2f} of {limit:,.0f}",
        met=speed >= 200_000 or speed >= 0.3 * limit,
    )


def _hash_all(headers: list[bytes]) -> None:
    """What no verifier can do without: a SHA-256 for each leaf and each node."""
    sha256 = hashlib.sha256
    row = b"".join([sha256(b"\x00" + one).digest() for one in headers])
    while len(row) > 32:
        pairs = range(0, len(row), 64)
        row = b"".join([sha256(b"\x01" + row[at : at + 64]).digest() for at in pairs])


def _alone(export: Path) -> Row:
    """The copy that lies in the export, run as an outsider runs it."""
    begun = time.monotonic()
    command = [sys.executable, "-I", "-S", "verify.py", ".", "--json"]
    done = subprocess.run(command, cwd=export, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    good = json.loads(done.stdout)["verdict"] == "good"
    return Row(
        path="the same by `python verify.py .`, from start to exit",
        goal="exit code 0",
        measured=f"{seconds:.1f} s",
        met=good and done.returncode == 0,
    )


def _damaged(export: Path) -> Row:
    """One bit in the middle of the log, with the list of digests left out of it."""
    path = export / f"tile/entries/{EVENTS // 2 // 256:03}"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    (export / "MANIFEST.sha256").unlink()
    found = check_export(export).damage
    index = found["leaf"].index if "leaf" in found else None
    return Row(
        path="one bit of one event, the list of digests removed",
        goal="found and named",
        measured=f"event {index}",
        met=index == EVENTS // 2 // 256 * 256,
    )


def _proof(log: Log) -> Row:
    policy = bundle.policy_of(log.export(EVENTS))
    text = proof.write(
        header=log.headers[1_000],
        index=1_000,
        checkpoint=log.checkpoint(EVENTS),
        hash_at=log.hash_at,
        policy=policy | {"quorum": 0},
    )
    check_proof(text)
    checking = _cpu_seconds(lambda: check_proof(text))
    signature = KEY.private.sign(b"text")
    signing = _cpu_seconds(
        lambda: [verify_ed25519(KEY.public, b"text", signature) for _ in range(SIGNATURES)]
    )
    return Row(
        path="one event's proof; one Ed25519 signature in pure Python",
        goal="≤ 10 ms; ≤ 1 ms",
        measured=f"{checking * 1000:.1f} ms; {signing / SIGNATURES * 1000:.2f} ms; a proof has"
        f" {len(text):,} bytes",
        met=checking <= 0.010 and signing / SIGNATURES <= 0.001,
    )


def _cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
