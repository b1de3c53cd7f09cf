"""What a confined process can no longer do. Each attempt runs in a fresh process."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
CONFINE = """
import os, socket, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from assistant.documents.parse import confine
from assistant.documents.parse.values import Limits
if {confined}:
    held = confine.confine(Limits(), readable=[])
    if not (held["files"] and held["calls"]):
        sys.exit(77)
{attempt}
"""
ATTEMPTS = {
    "open a socket": "socket.socket()",
    "start a process": "os.fork()",
    "start a program": "os.execv('/bin/true', ['true'])",
    "signal another process": "os.kill(os.getppid(), 0)",
    "read a file": "open('/etc/hostname').read()",
    "write a file": "Path('made').write_text('x')",
}


def attempt(what: str, folder: Path, *, confined: bool) -> subprocess.CompletedProcess[str]:
    script = CONFINE.format(root=str(REPOSITORY), confined=confined, attempt=ATTEMPTS[what])
    return subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_confined_process_cannot(what: str, tmp_path: Path) -> None:
    assert attempt(what, tmp_path, confined=False).returncode == 0
    tried = attempt(what, tmp_path, confined=True)
    if tried.returncode == 77:
        pytest.skip("This kernel does not offer Landlock and seccomp.")
    assert tried.returncode == 1
    assert "PermissionError" in tried.stderr
