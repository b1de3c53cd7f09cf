"""Whichever part is killed under load: nothing is lost, nothing stands twice, numbers are dense."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import Error, connections, transaction

from compliance import log
from compliance.events import Context, SignedOut
from compliance.log import NotRecorded
from tests.installation import Installation

Sql = Callable[..., list[tuple[Any, ...]]]
WRITERS = 4


class Load:
    """Writers that record as fast as they can, and remember what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: list[UUID] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                with transaction.atomic():
                    event_id = log.append(SignedOut(), context=Context())
                self.acknowledged.append(event_id)
            except (Error, NotRecorded):
                time.sleep(0.1)
            finally:
                with contextlib.suppress(Error):
                    connections["default"].close()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def load(database: Installation) -> Iterator[Load]:
    """Load for as long as the test lasts."""
    load = Load()
    try:
        yield load
    finally:
        load.end()


def wait_for(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "it did not come about in time"
        time.sleep(0.1)


@pytest.mark.parametrize("part", ["sequencer", "signer", "web", "answers", "documents", "postgres"])
def test_nothing_is_lost_and_nothing_stands_twice(
    load: Load, installation: Installation, superuser: Sql, part: str
) -> None:
    wait_for(lambda: len(load.acknowledged) > 50)
    killed = installation.kill(part)
    installation.wait_until_replaced(part, killed)
    count = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > count + 50)
    load.end()
    wait_for(lambda: superuser("SELECT count(*) FROM compliance_pending") == [(0,)])
    numbered = [row[0] for row in superuser("SELECT event_id FROM compliance_leaf ORDER BY idx")]
    assert len(numbered) == len(set(numbered))
    assert set(load.acknowledged) <= set(numbered)
    ((first, last, leaves, events),) = superuser(
        "SELECT min(idx), max(idx), count(*), (SELECT count(*) FROM compliance_event)"
        " FROM compliance_leaf"
    )
    assert (first, last) == (0, leaves - 1)
    assert leaves <= events
    _is_signed_and_holds(installation, superuser)


def _is_signed_and_holds(installation: Installation, superuser: Sql) -> None:
    size = superuser("SELECT max(size) FROM compliance_root")[0][0]
    wait_for(
        lambda: superuser("SELECT max(size) FROM compliance_checkpoint")[0][0] >= size, seconds=30
    )
    checked = installation.manage("audit", "verify", "--all", "--json")
    said = json.loads(checked.stdout)
    assert (said["damage"], checked.returncode) == ([], 0)
    assert (
        superuser(
            "SELECT kind, subject FROM compliance_alarm WHERE kind IN"
            " ('chain', 'damaged', 'rewritten', 'restored')"
        )
        == []
    )


def test_a_second_sequencer_waits_until_the_first_is_gone(
    installation: Installation, superuser: Sql
) -> None:
    """The lock is the connection's: whoever holds it numbers, and there is one."""
    import psycopg

    from compliance.ledger import numbering
    from compliance.ledger.database import connect

    with connect(installation.state()["databases"]["sequencer"], name="standby") as standby:
        assert not numbering.become_active(standby)
        killed = installation.kill("sequencer")
        wait_for(lambda: numbering.become_active(standby), seconds=5)
        installation.wait_until_replaced("sequencer", killed)
        count = superuser("SELECT count(*) FROM compliance_leaf")
        with transaction.atomic():
            log.append(SignedOut(), context=Context())
        time.sleep(1)
        assert superuser("SELECT count(*) FROM compliance_leaf") == count
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            standby.execute("SELECT header FROM compliance_event")
    wait_for(lambda: superuser("SELECT count(*) FROM compliance_leaf") > count, seconds=15)
