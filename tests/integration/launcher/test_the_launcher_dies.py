"""kill -9 of the launcher takes its parts along, and the next start repairs what is left."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.installation import free_port
from tests.integration.launcher.launched import (
    PARTS,
    Launched,
    answers,
    is_alive,
    kill,
    new_home,
    wait_until,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """A first life that was killed, and a second one in the same data folder."""

    first: Launched
    first_pids: dict[str, int]
    second: Launched


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    first = Launched(new_home(), free_port())
    second: Launched | None = None
    try:
        first.wait_ready()
        with psycopg.connect(first.state()["databases"]["owner"]) as connection:
            connection.execute("create table kept_by_test as select 'survives' as word")
        pids = first.state()["pids"]
        kill(first.process.pid)
        first.process.wait()
        wait_until(lambda: not any(map(is_alive, pids.values())), seconds=15)
        # What a crash of the whole machine leaves: a pid file whose process is gone.
        (first.home / "postgres" / "postmaster.pid").write_text("999999999\n")
        second = Launched(first.home, first.port)
        second.wait_ready()
        yield Lives(first=first, first_pids=pids, second=second)
    finally:
        first.end()
        if second:
            second.end()
        shutil.rmtree(first.home, ignore_errors=True)


def test_every_part_ended_with_it(lives: Lives) -> None:
    assert set(lives.first_pids) == {*PARTS, "launcher"}
    assert not [part for part, pid in lives.first_pids.items() if is_alive(pid)]


def test_the_next_start_has_the_data(lives: Lives) -> None:
    with psycopg.connect(lives.second.state()["databases"]["owner"]) as connection:
        assert connection.execute("table kept_by_test").fetchall() == [("survives",)]


def test_a_stop_signal_ends_everything_in_ten_seconds(lives: Lives) -> None:
    pids = lives.second.state()["pids"]
    lives.second.process.terminate()
    assert lives.second.process.wait(10) == 0
    assert not [part for part, pid in pids.items() if is_alive(pid)]
    assert not answers(lives.second.port)
    assert not (lives.second.home / "run" / "state.json").exists()
    log = (lives.second.home / "logs" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")
