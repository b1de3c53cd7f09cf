"""Whatever part dies, the launcher starts it again, and nothing committed is lost."""

import psycopg
import pytest
import redis

from tests.integration.launcher.launched import Launched, answers, kill, wait_until


@pytest.mark.parametrize("part", ["web", "answers", "documents", "sequencer", "signer"])
def test_a_part_of_ours_comes_back(launched: Launched, part: str) -> None:
    old = launched.state()["pids"][part]
    kill(old)
    launched.wait_replaced(part, old)
    wait_until(lambda: answers(launched.port), seconds=30)


def test_the_database_comes_back_with_what_was_committed(launched: Launched) -> None:
    address = launched.state()["databases"]["owner"]
    with psycopg.connect(address) as connection:
        connection.execute("create table kept_by_test (word text)")
        connection.execute("insert into kept_by_test values ('survives')")
    old = launched.state()["pids"]["postgres"]
    kill(old)
    launched.wait_replaced("postgres", old)

    def reached() -> bool:
        try:
            psycopg.connect(address, connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(reached, seconds=30)
    with psycopg.connect(address) as connection:
        assert connection.execute("table kept_by_test").fetchall() == [("survives",)]
        connection.execute("drop table kept_by_test")


def test_valkey_comes_back_at_the_same_address(launched: Launched) -> None:
    old = launched.state()["pids"]["valkey"]
    kill(old)
    launched.wait_replaced("valkey", old)

    def reached() -> bool:
        with redis.Redis.from_url(launched.state()["redis"]) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    wait_until(reached, seconds=30)
