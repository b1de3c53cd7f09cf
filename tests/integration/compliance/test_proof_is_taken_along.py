"""An auditor takes an event's proof and the verifier along, and checks it far from the console."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.db import transaction

from compliance import log
from compliance.events import Context, SignedOut
from tests.people import make_person
from tests.visitor import Visitor


def test_the_proof_of_an_event_is_checked_by_the_verifier_that_came_with_it(
    installation: Any, tmp_path: Path
) -> None:
    with transaction.atomic():
        event = log.append(SignedOut(), context=Context())
    officer = make_person("olga", "privacy_officer")
    with Visitor(installation.address, officer) as browser:
        page = _wait_until(browser, f"/record/{event}/", "Download the proof")
        assert "in the tree, counted from 0" in page
        proof = browser.get(f"/record/{event}/proof/")
        assert proof.status_code == 200, proof.text
        verifier = browser.get("/record/verify.py")
        row = browser.get("/record/").text
        assert re.search(r"Signed up to event [\d,]+", row)
        checkpoint = browser.get("/record/checkpoint/").text
        assert "<svg" in checkpoint
        assert "style=" not in checkpoint
    (tmp_path / "event.tlog-proof").write_text(proof.text)
    (tmp_path / "verify.py").write_text(verifier.text)
    checked = subprocess.run(
        [sys.executable, "-I", "verify.py", "proof", "event.tlog-proof"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _wait_until(browser: Visitor, address: str, words: str) -> str:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        page = browser.get(address).text
        if words in page:
            return page
        time.sleep(0.5)
    raise AssertionError(f"{words} never stood on {address}")
