"""Passages are embedded in a child process that comes with work, goes when idle, and may die."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from inference.embed import Embedder, EmbedProcess
from inference.errors import Refused, Timeout, Unavailable

TEXTS = ["The limit is 40 mg.", "Notice is given in writing.", "Größe"]
MANY = ["word " * 200] * 2000
"""Half a minute of work, and more bytes than a pipe holds."""
Wait = Callable[[Callable[[], bool]], bool]


@pytest.fixture(scope="module")
def process(model_folder: Path) -> Iterator[EmbedProcess]:
    with EmbedProcess(model_folder) as process:
        yield process


def running(process: EmbedProcess) -> int:
    """The process id of its child, which waits for work."""
    process.passages(["x"])
    assert process.pid is not None
    return process.pid


def test_it_gives_the_vectors_of_the_model(process: EmbedProcess, model_folder: Path) -> None:
    assert np.array_equal(process.passages(TEXTS), Embedder(model_folder).passages(TEXTS))


def test_one_child_answers_batch_after_batch(process: EmbedProcess) -> None:
    assert running(process) == running(process)


def test_no_passages_start_no_child(model_folder: Path) -> None:
    with EmbedProcess(model_folder) as process:
        assert len(process.passages([])) == 0
        assert process.pid is None


def test_threads_take_turns(process: EmbedProcess) -> None:
    expected = {text: process.passages([text]) for text in TEXTS}
    wrong: list[str] = []

    def embed(text: str) -> None:
        if not np.array_equal(process.passages([text]), expected[text]):
            wrong.append(text)

    threads = [threading.Thread(target=embed, args=(text,)) for text in TEXTS * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []


def test_a_child_killed_while_it_waits_is_replaced_unseen(
    process: EmbedProcess, eventually: Wait
) -> None:
    os.kill(running(process), signal.SIGKILL)
    assert eventually(lambda: process.pid is None)
    assert process.passages(TEXTS).shape == (3, 384)


def test_a_child_killed_at_work_is_an_error_and_the_next_call_starts_anew(
    process: EmbedProcess,
) -> None:
    child = running(process)
    killer = threading.Timer(0.3, os.kill, (child, signal.SIGKILL))
    killer.start()
    with pytest.raises(Unavailable, match="in the middle of its work"):
        process.passages(MANY)
    killer.join()
    assert process.pid is None
    assert running(process) != child


def test_a_child_that_hangs_is_ended_in_time(model_folder: Path) -> None:
    with EmbedProcess(model_folder, batch_seconds=1) as process:
        child = running(process)
        os.kill(child, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(Timeout):
            process.passages(MANY)
        assert time.monotonic() - started < 3
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_an_idle_child_leaves_and_the_next_call_starts_another(
    model_folder: Path, eventually: Wait
) -> None:
    with EmbedProcess(model_folder, idle_seconds=0.2) as process:
        child = running(process)
        assert eventually(lambda: process.pid is None)
        assert process.passages(TEXTS).shape == (3, 384)
        assert process.pid != child


def test_closing_ends_the_child(model_folder: Path) -> None:
    with EmbedProcess(model_folder) as process:
        child = running(process)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_another_model_in_the_place_is_refused_with_its_reason(model_folder: Path) -> None:
    with EmbedProcess(model_folder, digest="0" * 64) as process:
        with pytest.raises(Refused, match="not the model it should be"):
            process.passages(TEXTS)
        assert process.pid is None
