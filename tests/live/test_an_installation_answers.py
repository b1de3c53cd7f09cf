"""The whole path as `make run` starts it: demo documents, a question, a real model, evidence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from assistant.launcher.home import Home
from tests.installation import CHECKOUT, free_port
from tests.integration.launcher.launched import Launched, kill, new_home, wait_until

pytestmark = pytest.mark.live
LOADING_SECONDS = 600.0
QUESTION = "When is the INR measured after warfarin is started?"


@pytest.fixture(scope="module")
def running(set_up: Home) -> Iterator[Launched]:
    """An installation with a data folder of its own, and the engine and weights of the set-up."""
    home = new_home()
    for name in ("engine", "models"):
        (home / name).symlink_to(set_up.folder / name)
    running = Launched(home, free_port(), words=("--demo",))
    try:
        running.wait_ready()
        wait_until_served(running, times=1)
        assert manage(running, "demo", "--wait").returncode == 0
        yield running
    finally:
        running.end()
        shutil.rmtree(home, ignore_errors=True)


def wait_until_served(running: Launched, *, times: int) -> None:
    wait_until(
        lambda: (
            running.output.read_text().count("model scout (smollm2-135m)         ready") == times
        ),
        seconds=LOADING_SECONDS,
        unless=lambda: running.process.poll() is not None,
        says=lambda: running.output.read_text(),
    )


def manage(running: Launched, *words: str) -> "subprocess.CompletedProcess[str]":
    variables = {key: word for key, word in os.environ.items() if not key.startswith("CLOISTER_")}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=CHECKOUT,
        env=variables | {"CLOISTER_HOME": str(running.home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def ask(running: Launched) -> dict[str, Any]:
    asked = manage(running, "ask", QUESTION, "--as", "clinician", "--matter", "CLINIC-7", "--json")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    answer: dict[str, Any] = json.loads(asked.stdout)
    return answer


def test_it_answers_from_a_demo_document_word_for_word(running: Launched) -> None:
    answer = ask(running)
    assert answer["state"] in ("answered", "quoted")
    assert answer["model"] == "scout"
    citation = answer["citations"][0]
    assert citation["title"].startswith("anticoagulation-guideline")
    text = manage(running, "document", "text", citation["document"], "--as", "clinician").stdout
    assert text[citation["start"] : citation["end"]] == citation["text"]


def test_it_answers_again_after_the_engine_was_killed(running: Launched) -> None:
    old = running.state()["pids"]["vllm"]
    kill(old)
    running.wait_replaced("vllm", old)
    wait_until_served(running, times=2)
    assert ask(running)["state"] in ("answered", "quoted")
