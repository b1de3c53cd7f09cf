"""A writer's chain moves with its transaction, and stands still when that is taken back."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from compliance import log
from compliance.events import Context, SignedOut
from compliance.ledger import writers

Sql = Callable[..., list[tuple[Any, ...]]]


def append() -> None:
    log.append(SignedOut(), context=Context())


def counts(superuser: Sql, writer: Any) -> list[int]:
    rows = superuser(
        "SELECT convert_from(header, 'UTF8') FROM compliance_event"
        " WHERE convert_from(header, 'UTF8')::jsonb->>'writer' = %s",
        [str(writer)],
    )
    return sorted(json.loads(header)["seq"] for (header,) in rows)


@pytest.fixture
def writer(database: Any) -> Any:
    """The writer of this thread's connection, which has written at least once."""
    with transaction.atomic():
        append()
        return writers.tip(connection).writer


def test_it_counts_what_is_committed(writer: Any, superuser: Sql) -> None:
    before = counts(superuser, writer)
    with transaction.atomic():
        append()
        append()
    assert counts(superuser, writer) == [*before, before[-1] + 1, before[-1] + 2]


def test_a_rollback_takes_its_counts_back(writer: Any, superuser: Sql) -> None:
    before = counts(superuser, writer)
    with transaction.atomic():
        append()
        transaction.set_rollback(True)
    with transaction.atomic():
        append()
    assert counts(superuser, writer) == [*before, before[-1] + 1]


def test_a_savepoint_takes_its_counts_back(writer: Any, superuser: Sql) -> None:
    before = counts(superuser, writer)
    with transaction.atomic():
        append()
        with transaction.atomic():
            append()
            with transaction.atomic():
                append()
            transaction.set_rollback(True)
        append()
        with transaction.atomic():
            append()
    assert counts(superuser, writer) == [*before, *range(before[-1] + 1, before[-1] + 4)]


def test_a_commit_hook_that_fails_does_not_hold_the_chain_back(writer: Any, superuser: Sql) -> None:
    before = counts(superuser, writer)

    def fail() -> None:
        raise ZeroDivisionError

    def act() -> None:
        with transaction.atomic():
            transaction.on_commit(fail)
            append()

    with pytest.raises(ZeroDivisionError):
        act()
    with transaction.atomic():
        append()
    assert counts(superuser, writer) == [*before, before[-1] + 1, before[-1] + 2]


def test_threads_that_share_a_pool_keep_their_chains_whole(database: Any, superuser: Sql) -> None:
    seen: set[Any] = set()

    def work() -> None:
        for _ in range(20):
            with transaction.atomic():
                append()
                append()
                seen.add(writers.tip(connection).writer)
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in seen:
        told = counts(superuser, writer)
        assert told == list(range(1, len(told) + 1))


def test_a_process_tells_of_each_of_its_writers(writer: Any) -> None:
    writers.reached()
    with transaction.atomic():
        append()
        tip = writers.tip(connection)
    reached = {one.writer: one for one in writers.reached()}
    assert (reached[writer].seq, reached[writer].is_open) == (tip.seq, True)
    assert writer not in {one.writer for one in writers.reached()}
