"""Silence, a clock, a disk, a witness: what goes wrong is an alarm within a minute."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.events import Heartbeat, SystemStopped
from compliance.ledger import keys, watch, witness, witnessing
from compliance.ledger.pen import Pen
from compliance.ledger.watch import Watch
from tests.integration.ledger.site import Log, TimedPen


@pytest.fixture
def pen(log: Log) -> Pen:
    """What the watch writes with."""
    return Pen(log.database, keys.escrow(log.place))


def standing(log: Log) -> set[tuple[str, str]]:
    rows = log.run("SELECT kind, subject FROM compliance_alarm WHERE cleared_at IS NULL")
    return {(kind, subject) for kind, subject in rows}


def events(log: Log) -> list[str]:
    return [
        row[0]
        for row in log.run(
            "SELECT convert_from(header, 'UTF8')::jsonb #>> '{fields,kind}' FROM compliance_event"
            " WHERE type = 'ledger.alarm' ORDER BY recorded_at"
        )
    ]


def look(log: Log, pen: Pen, **more: Any) -> Watch:
    looking = Watch(home=log.place.home, **more)
    looking.look(log.database, pen)
    return looking


def test_nothing_is_raised_when_all_is_well(log: Log, pen: Pen) -> None:
    pen.append(Heartbeat(part="web", process=1, seconds=60))
    look(log, pen)
    assert standing(log) == set()


def test_a_part_that_falls_silent(log: Log, pen: Pen) -> None:
    earlier = TimedPen(log.database, keys.escrow(log.place))
    earlier.behind = timedelta(seconds=76)
    earlier.append(Heartbeat(part="web", process=1, seconds=60))
    earlier.append(Heartbeat(part="answers", process=1, seconds=60))
    pen.append(SystemStopped(part="answers"))
    looking = look(log, pen)
    # What was stopped in good order is not silent.
    assert standing(log) == {("silent", "web")}
    assert events(log) == ["silent"]
    looking.look(log.database, pen)
    assert events(log) == ["silent"]
    pen.append(Heartbeat(part="web", process=2, seconds=60))
    looking.look(log.database, pen)
    assert standing(log) == set()
    assert log.run("SELECT count(*) FROM compliance_event WHERE type = 'ledger.alarm_cleared'") == [
        (1,)
    ]


def test_a_sequencer_that_does_not_work(
    log: Log, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(1)
    looking = look(log, pen)
    assert standing(log) == set()
    monkeypatch.setattr(watch, "WAITING_SECONDS", 0.0)
    looking.look(log.database, pen)
    assert standing(log) == {("behind", "sequencer")}
    log.number()
    looking.look(log.database, pen)
    log.number()
    looking.look(log.database, pen)
    assert ("behind", "sequencer") not in standing(log)


def test_a_signer_that_does_not_work(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(1)
    log.number()
    assert not watch.is_unsigned(log.database)
    monkeypatch.setattr(watch, "UNSIGNED_SECONDS", 0)
    assert watch.is_unsigned(log.database)
    log.sign()
    assert not watch.is_unsigned(log.database)


def test_a_host_s_clock_that_goes_backwards(
    log: Log, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = look(log, pen)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    looking.look(log.database, pen)
    assert ("clock", "host") in standing(log)
    monkeypatch.setattr(time, "time", lambda: now + 1)
    looking.look(log.database, pen)
    assert standing(log) == set()


def test_a_head_signed_in_the_future(log: Log, pen: Pen) -> None:
    log.attack("UPDATE compliance_checkpoint SET signed_at = now() + interval '1 hour'")
    look(log, pen)
    assert standing(log) == {("clock", "signer")}


def test_a_full_disk(log: Log, pen: Pen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CLOISTER_DISK_FREE_PERCENT", "100")
    monkeypatch.setitem(os.environ, "CLOISTER_DATABASE_GIGABYTES", "0.001")
    look(log, pen)
    assert standing(log) == {("disk", "home"), ("disk", "database")}


def test_a_guard_that_was_taken_away(log: Log, pen: Pen) -> None:
    log.run("ALTER TABLE compliance_leaf DISABLE TRIGGER keep")
    look(log, pen)
    assert standing(log) == {("unguarded", "compliance_leaf")}


def test_a_month_that_was_not_made(log: Log, pen: Pen) -> None:
    ahead = datetime.now(UTC).replace(day=28) + timedelta(days=4)
    log.run(f"DROP TABLE compliance_event_{ahead:%Y_%m}")
    looking = look(log, pen)
    assert standing(log) == {("no_month", "next")}
    log.run("SELECT compliance_make_months(3)")
    looking.look(log.database, pen)
    assert standing(log) == set()


def test_an_alarm_of_an_earlier_process_is_cleared_by_the_next(log: Log, pen: Pen) -> None:
    pen.raise_alarm("disk", "home")
    look(log, pen)
    assert standing(log) == set()


@pytest.fixture
def serving(log: Log) -> Iterator[witnessing.Witness]:
    """The witness as a server, named with its address."""
    asked = log.witness()
    server = witness.server(asked, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    log.place.witnesses.write_text(f"{asked.key.vkey} {address}\n")
    yield witnessing.read_witnesses(log.place)[0]
    server.shutdown()
    server.server_close()


def test_a_witness_signs_what_it_is_asked(log: Log, pen: Pen, serving: witnessing.Witness) -> None:
    log.write(5)
    log.number()
    log.sign()
    witnessing._ask(log.database, pen, serving)
    result = log.verify()
    assert result.is_good
    assert result.newest.cosigned[0][1] == result.size
    assert standing(log) == set()


def test_a_witness_that_is_away(log: Log, pen: Pen, serving: witnessing.Witness) -> None:
    log.write(1)
    log.number()
    log.sign()
    serving.address = "http://127.0.0.1:9"
    witnessing._ask(log.database, pen, serving)
    assert standing(log) == set()
    serving.since -= witnessing.STALE_SECONDS + 1
    witnessing._ask(log.database, pen, serving)
    assert standing(log) == {("witness", serving.key.name)}


def test_a_witness_that_has_seen_another_history(
    log: Log, pen: Pen, serving: witnessing.Witness
) -> None:
    log.write(5)
    log.number()
    log.sign()
    file = next((log.place.home / "witness").glob("head-*.json"))
    file.write_text(json.dumps({"size": 602, "root": "A" * 43 + "="}))
    witnessing._ask(log.database, pen, serving)
    assert ("fork", serving.key.name) in standing(log)
