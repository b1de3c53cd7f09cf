"""The reading process is confined, and whatever a file does, the caller comes back."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from assistant.documents.parse import Cause, Limits, Rejected, confinement, read_file, sandbox
from tests.integration.parse.conftest import make_docx, make_pdf


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("A short note.")
    return path


def test_it_reports_what_confines_it() -> None:
    held = confinement()
    assert held["no_new_privileges"]
    assert held["network"] or held["calls"]


def test_it_reads_on_after_its_process_was_killed(note: Path) -> None:
    assert read_file(note).text == "A short note."
    for waiting in sandbox._pool().idle:
        os.kill(waiting.process.pid, signal.SIGKILL)
    assert read_file(note).text == "A short note."


def test_it_outlives_the_thread_that_first_used_it(note: Path) -> None:
    sandbox.close_sandboxes()
    thread = threading.Thread(target=read_file, args=(note,))
    thread.start()
    thread.join()
    waiting = sandbox._pool().idle[0].process.pid
    time.sleep(0.2)
    assert read_file(note).text == "A short note."
    assert sandbox._pool().idle[0].process.pid == waiting


def test_it_gives_up_on_a_file_that_takes_too_long(tmp_path: Path) -> None:
    pdf = make_pdf(tmp_path / "a.pdf", *["BT /F1 12 Tf 50 700 Td (Text) Tj ET"] * 300)
    with pytest.raises(Rejected) as refusal:
        read_file(pdf, limits=Limits(wall_seconds=0.001))
    assert refusal.value.cause is Cause.TOO_SLOW


def test_it_gives_up_on_a_file_that_needs_too_much_memory(tmp_path: Path) -> None:
    big = tmp_path / "a.txt"
    big.write_bytes(b"word " * 60_000_000)
    with pytest.raises(Rejected) as refusal:
        read_file(big, limits=Limits(file_bytes=10**9, memory_bytes=256 * 1024 * 1024))
    assert refusal.value.cause is Cause.BOMB


def test_it_turns_away_a_bomb_before_parsing_it(tmp_path: Path) -> None:
    bomb = make_docx(tmp_path / "a.docx", "<w:p>" + " " * 30_000_000 + "</w:p>")
    with pytest.raises(Rejected) as refusal:
        read_file(bomb)
    assert refusal.value.cause is Cause.BOMB


def test_it_turns_away_a_file_that_declares_entities(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    document = make_docx(
        tmp_path / "a.docx",
        "",
        footnotes=f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><x>&e;</x>',
    )
    with pytest.raises(Rejected) as refusal:
        read_file(document)
    assert refusal.value.cause is Cause.BOMB


def test_it_turns_away_a_file_over_the_size_limit(note: Path) -> None:
    with pytest.raises(Rejected) as refusal:
        read_file(note, limits=Limits(file_bytes=5))
    assert refusal.value.cause is Cause.TOO_LARGE


def test_it_survives_a_pdf_cut_off_anywhere(tmp_path: Path) -> None:
    whole = make_pdf(tmp_path / "a.pdf", "BT /F1 12 Tf 50 700 Td (Text) Tj ET").read_bytes()
    cut = tmp_path / "b.pdf"
    for length in range(1, len(whole), 7):
        cut.write_bytes(whole[:length])
        assert outcome(cut)


def outcome(path: Path) -> str:
    """The text, or the reason why there is none."""
    try:
        return read_file(path).text
    except Rejected as refusal:
        return refusal.reason
