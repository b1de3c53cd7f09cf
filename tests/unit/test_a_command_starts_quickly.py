"""A command at the shell loads what it needs, and not the whole site."""

import os
import subprocess
import sys
from pathlib import Path

from assistant.config import CHECKOUT


def test_the_code_of_pages_is_not_loaded_for_a_command(tmp_path: Path) -> None:
    # With the embedded database this command has nothing to do, and needs no installation.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", "prepare_database"],
        cwd=CHECKOUT,
        env=os.environ | {"CLOISTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "assistant.accounts.commands" in done.stderr
    assert "assistant.urls" not in done.stderr
    assert "assistant.documents.views" not in done.stderr
