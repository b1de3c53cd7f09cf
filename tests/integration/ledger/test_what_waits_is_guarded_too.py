"""Between its transaction and its number an event stands in the database alone, but in a chain."""

import pytest

from compliance.events import ChainReached, Heartbeat, SignedOut
from tests.integration.ledger.site import Log

SIZE = 602


def pending(log: Log, seq_from_last: int = 0) -> str:
    """The id of an event that waits, the last but some."""
    rows = log.run(
        "SELECT event_id FROM compliance_event e WHERE event_id IN"
        " (SELECT event_id FROM compliance_pending) ORDER BY recorded_at DESC"
    )
    return str(rows[seq_from_last][0])


def remove(log: Log, event: str) -> None:
    with log.unguarded():
        for table in ("pending", "mention", "event"):
            log.run(f"DELETE FROM compliance_{table} WHERE event_id = %s", [event])


def test_an_event_that_was_removed_before_it_was_numbered(log: Log) -> None:
    log.write(9)
    remove(log, pending(log, 4))
    log.number()
    assert list(log.found()) == ["chain"]
    log.sign()
    (alarm,) = log.alarms()
    assert alarm.startswith("chain ")
    assert alarm.endswith("/missing")


def test_an_event_that_was_removed_before_others_are_numbered(log: Log) -> None:
    """The rest of the chain still waits: it is found as soon as the next event is numbered."""
    log.write(9)
    remove(log, pending(log, 4))
    assert log.found() == {}
    log.number()
    assert "chain" in log.found()


def test_the_last_event_of_a_writer_is_missed_by_its_sign_of_life(log: Log) -> None:
    log.write(3)
    pen = log.pens[0]
    remove(log, pending(log, 2))
    log.number()
    assert log.found() == {}
    reached = ChainReached(writer=pen.tip.writer.hex, seq=pen.tip.seq, open=True)
    log.pens[1].append(Heartbeat(part="web", process=1, seconds=60, chains=(reached,)))
    log.number()
    assert list(log.found()) == ["chain"]
    log.sign()
    assert log.alarms() == [f"chain {pen.tip.writer.hex}/{pen.tip.seq}/missing"]


@pytest.mark.parametrize("hashes_too", [False, True])
def test_an_event_that_was_edited_before_it_was_numbered(log: Log, hashes_too: bool) -> None:
    log.write(9)
    event = pending(log, 4)
    edited = "convert_to(replace(convert_from(header, 'UTF8'), '\"done\"', '\"fine\"'), 'UTF8')"
    leaf = f"sha256('\\x00'::bytea || {edited})"
    with log.unguarded():
        if hashes_too:
            log.run(
                f"UPDATE compliance_pending p SET leaf = {leaf} FROM compliance_event e"
                " WHERE e.event_id = p.event_id AND p.event_id = %s",
                [event],
            )
        log.run(
            f"UPDATE compliance_event SET header = {edited}, outcome = 'fine', leaf = {leaf}"
            " WHERE event_id = %s",
            [event],
        )
    if not hashes_too:
        assert "pending" in log.found()
    log.number()
    assert log.found()["chain"] in range(SIZE, SIZE + 9)
    log.sign()
    assert [alarm for alarm in log.alarms() if alarm.endswith("/altered")]


def test_an_event_that_was_taken_out_of_the_queue(log: Log) -> None:
    log.write(3)
    event = pending(log, 1)
    log.attack("DELETE FROM compliance_pending WHERE event_id = %s", [event])
    assert "unnumbered" in log.found()


def test_a_queue_that_holds_what_is_no_event(log: Log) -> None:
    log.write(3)
    event = pending(log, 1)
    with log.unguarded():
        log.run("DELETE FROM compliance_mention WHERE event_id = %s", [event])
        log.run("DELETE FROM compliance_event WHERE event_id = %s", [event])
    assert "pending" in log.found()


def test_an_event_that_was_written_twice(log: Log) -> None:
    """A copy under another id stands beside the first one in the writer's count."""
    other = "('01a00000-0000-7000' || right(event_id::text, 18))::uuid"
    log.write(1)
    event = pending(log)
    with log.unguarded():
        log.run(
            f"INSERT INTO compliance_event SELECT {other}, recorded_at, type,"
            " actor, session, request, object, matter, outcome, header,"
            " leaf, mac FROM compliance_event WHERE event_id = %s",
            [event],
        )
        log.run(
            f"INSERT INTO compliance_pending SELECT {other}, recorded_at, leaf, writer,"
            " seq FROM compliance_pending WHERE event_id = %s",
            [event],
        )
    log.number()
    found = log.found()
    assert found["chain"] in (SIZE, SIZE + 1)
    assert "column" in found


def test_events_may_be_numbered_before_earlier_ones(log: Log) -> None:
    """A batch that is full parts a writer's events: that is no damage, and is checked later."""
    log.write(12)
    first = log.run(
        "SELECT event_id, recorded_at, leaf, writer, seq FROM compliance_pending"
        " ORDER BY event_id LIMIT 1"
    )[0]
    log.run("DELETE FROM compliance_pending WHERE event_id = %s", [first[0]])
    log.number()
    log.run(
        "INSERT INTO compliance_pending (event_id, recorded_at, leaf, writer, seq)"
        " VALUES (%s, %s, %s, %s, %s)",
        list(first),
    )
    log.sign()
    assert log.alarms() == []
    log.number()
    log.sign()
    assert log.alarms() == []
    assert log.found() == {}
    log.pens[0].append(SignedOut())
