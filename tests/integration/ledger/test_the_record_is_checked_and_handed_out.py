"""`manage.py audit`: an operator checks the record, and hands out what others can check."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from compliance import log
from compliance.events import Context, SignedOut
from tests.installation import CHECKOUT, Installation
from tests.integration.compliance.locked import recorded

Sql = Callable[..., list[tuple[Any, ...]]]


def verified(*words: str) -> dict[str, Any]:
    """What the stand-alone verifier says, without Django, the database or our environment."""
    done = subprocess.run(
        [sys.executable, "-I", "compliance/verify.py", *words, "--json"],
        cwd=CHECKOUT,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said | {"code": done.returncode}


@pytest.fixture
def event(database: Installation) -> UUID:
    """An event that was just recorded."""
    with transaction.atomic():
        return log.append(SignedOut(object=uuid4()), context=Context())


def test_it_is_checked_by_a_command_that_says_so_on_record(
    installation: Installation, event: UUID, superuser: Sql
) -> None:
    done = installation.manage("audit", "verify", "--all", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verified"], said["damage"]) == (0, True, [])
    assert (said["start"], said["macs"]) == (0, True)
    told = superuser(
        "SELECT convert_from(header, 'UTF8')::jsonb -> 'fields' FROM compliance_event"
        " WHERE type = 'ledger.verified' ORDER BY recorded_at DESC LIMIT 1"
    )
    assert told[0][0] == {"start": 0, "size": said["size"], "damages": 0}
    again = json.loads(installation.manage("audit", "verify", "--json").stdout)
    assert again["start"] == said["size"]


def test_an_event_s_proof_stands_alone(
    installation: Installation, event: UUID, superuser: Sql, tmp_path: Path
) -> None:
    done = installation.manage("audit", "prove", str(event))
    assert done.returncode == 0, done.stderr
    proof = tmp_path / "one.tlog-proof"
    proof.write_text(done.stdout)
    assert verified("proof", str(proof))["code"] == 0
    proof.write_text(done.stdout.replace("\nindex ", "\nindex 1"))
    assert verified("proof", str(proof))["code"] != 0
    assert superuser(
        "SELECT 1 FROM compliance_event WHERE type = 'ledger.proved' AND object = %s", [event]
    )


def test_events_of_a_time_are_exported_with_what_proves_them(
    installation: Installation, event: UUID, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    times = ("--from", (now - timedelta(minutes=5)).isoformat(), "--to", now.isoformat())
    folder = tmp_path / "export"
    done = installation.manage("audit", "export", str(folder), *times, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] > 0
    assert verified(str(folder))["code"] == 0
    checkpoint = folder / "checkpoint"
    assert checkpoint.read_text().startswith("cloister/")
    again = installation.manage("audit", "export", str(folder), *times)
    assert again.returncode == 2
    assert "there already" in again.stderr


def test_ciphertexts_go_along_when_they_are_asked_for(
    database: Installation, tmp_path: Path
) -> None:
    recorded()
    now = datetime.now(UTC)
    times = ("--from", (now - timedelta(minutes=5)).isoformat(), "--to", now.isoformat())
    folder = tmp_path / "export"
    done = database.manage("audit", "export", str(folder), *times, "--content")
    assert done.returncode == 0, done.stderr
    assert verified(str(folder))["code"] == 0
    ciphertexts = sorted((folder / "content").iterdir())
    assert ciphertexts
    ciphertexts[0].write_bytes(b"else")
    (folder / "MANIFEST.sha256").unlink()
    changed = verified(str(folder))
    assert changed["code"] == 1
    assert "content" in {one["kind"] for one in changed["damage"]}


def test_what_is_not_there_is_not_proved(installation: Installation) -> None:
    done = installation.manage("audit", "prove", str(uuid4()))
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not in the record" in done.stderr


def test_a_head_is_printed(installation: Installation, event: UUID, tmp_path: Path) -> None:
    sheet = tmp_path / "head.html"
    done = installation.manage("audit", "paper", str(sheet))
    assert done.returncode == 0, done.stderr
    assert "<svg" in sheet.read_text()
