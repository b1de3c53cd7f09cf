"""Whoever administers the database can change anything in it, and cannot do so unseen."""

from datetime import timedelta
from uuid import uuid4

import pytest

from compliance import note
from compliance.events import SignedOut
from compliance.ledger import keys, numbering
from compliance.ledger.errors import Damaged
from compliance.tiles import Edge
from tests.integration.ledger.site import Log

SIZE = 602
EDITED = "convert_to(replace(convert_from(header, 'UTF8'), '\"done\"', '\"fine\"'), 'UTF8')"
BY_NUMBER = "event_id = (SELECT event_id FROM compliance_leaf WHERE idx = %s)"


def test_nothing_is_found_in_a_record_that_is_whole(log: Log) -> None:
    result = log.verify()
    assert (result.report.damage, result.size, result.macs_checked) == ({}, SIZE, True)
    assert result.newest.size == SIZE
    assert [name for name, *_ in result.newest.cosigned] == ["witness.example/second-host"]


@pytest.mark.parametrize("number", [0, 255, 256, 300, SIZE - 1])
def test_an_edited_header(log: Log, number: int) -> None:
    log.attack(f"UPDATE compliance_event SET header = {EDITED} WHERE {BY_NUMBER}", [number])
    assert log.found() == {"leaf": number, "column": number, "chain": number}


@pytest.mark.parametrize("number", [0, 300])
def test_an_edited_header_with_all_its_hashes(log: Log, number: int) -> None:
    with log.unguarded():
        log.run(
            f"UPDATE compliance_event SET header = {EDITED}, outcome = 'fine',"
            f" leaf = sha256('\\x00'::bytea || {EDITED}) WHERE {BY_NUMBER}",
            [number],
        )
        log.run(
            "UPDATE compliance_leaf l SET leaf = e.leaf FROM compliance_event e"
            " WHERE e.event_id = l.event_id AND l.idx = %s",
            [number],
        )
    found = log.found()
    assert found["chain"] == number
    assert found["tile"] == number
    assert found["root"] == (1 if number == 0 else 512)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "gen_random_uuid()"),
        ("recorded_at", "recorded_at - interval '1 second'"),
        ("type", "'account.created'"),
        ("outcome", "'refused'"),
        ("matter", "gen_random_uuid()"),
        ("object", "NULL"),
        ("session", "gen_random_uuid()"),
        ("request", "gen_random_uuid()"),
        ("leaf", "sha256('else')"),
    ],
)
def test_an_edited_column(log: Log, column: str, value: str) -> None:
    log.attack(f"UPDATE compliance_event SET {column} = {value} WHERE {BY_NUMBER}", [300])
    assert log.found()["column"] == 300


def test_a_ciphertext_that_its_event_did_not_commit_to(log: Log) -> None:
    log.attack(
        "INSERT INTO compliance_content (event_id, key_id, ciphertext)"
        " SELECT event_id, gen_random_uuid(), 'else' FROM compliance_leaf WHERE idx = 300"
    )
    assert log.found() == {"content": 300}


def test_a_deleted_event(log: Log) -> None:
    log.attack(f"DELETE FROM compliance_event WHERE {BY_NUMBER}", [300])
    found = log.found()
    assert found["missing"] == 300
    assert "chain" in found


def test_a_deleted_event_with_its_number(log: Log) -> None:
    with log.unguarded():
        log.run(f"DELETE FROM compliance_event WHERE {BY_NUMBER}", [300])
        log.run("DELETE FROM compliance_leaf WHERE idx = 300")
    assert log.found()["numbering"] == 300


def test_a_deleted_event_whose_number_the_next_ones_take(log: Log) -> None:
    with log.unguarded():
        log.run(f"DELETE FROM compliance_event WHERE {BY_NUMBER}", [300])
        log.run("DELETE FROM compliance_leaf WHERE idx = 300")
        log.run("UPDATE compliance_leaf SET idx = -idx WHERE idx > 300")
        log.run("UPDATE compliance_leaf SET idx = -idx - 1 WHERE idx < 0")
    found = log.found()
    assert found["tile"] == 300
    assert found["root"] == 512
    # The writer's next event stands at the number of the one after the next.
    assert found["chain"] in range(300, 305)
    assert found["truncated"] == SIZE - 1


def test_an_event_slipped_in_through_the_front_door(log: Log) -> None:
    """A superuser may insert a header; no chain leads to it, so it is found once numbered."""
    from datetime import UTC, datetime

    from compliance import header
    from compliance.events import Context

    forged = header.write(SignedOut(), context=Context(), now=datetime.now(UTC))
    log.run(
        "INSERT INTO compliance_event (event_id, header) VALUES (%s, %s)",
        [forged.event_id, forged.data],
    )
    log.number()
    assert log.found()["chain"] == SIZE
    log.sign()
    assert log.alarms() == ["chain unchained"]


def test_an_event_slipped_in_by_a_writer_of_the_attackers_own(log: Log) -> None:
    """The signer's public key is public; the application's secret is not."""
    from compliance.ledger.chain import Escrow
    from compliance.ledger.pen import Pen

    known = keys.escrow(log.place)
    assert known is not None
    pen = Pen(log.database, Escrow(signer=known.signer, secret=b"guessed"))
    pen.append(SignedOut())
    log.number()
    assert log.found()["chain"] == SIZE
    log.sign()
    assert log.alarms() == [f"chain {pen.tip.writer.hex}/1/unknown_writer"]


def test_an_event_slipped_in_among_those_that_are_numbered(log: Log) -> None:
    event = uuid4()
    with log.unguarded():
        log.run(
            "INSERT INTO compliance_event SELECT ('01a00000-0000-7' || right(%s::text, 21))::uuid,"
            " recorded_at, type, actor, session, request, object, matter, outcome, header, leaf,"
            f" mac FROM compliance_event WHERE {BY_NUMBER}",
            [event, 300],
        )
    assert "unnumbered" in log.found()


def test_two_events_that_have_changed_places(log: Log) -> None:
    with log.unguarded():
        log.run("UPDATE compliance_leaf SET idx = -1 WHERE idx = 300")
        log.run("UPDATE compliance_leaf SET idx = 300 WHERE idx = 301")
        log.run("UPDATE compliance_leaf SET idx = 301 WHERE idx = -1")
    found = log.found()
    assert (found["tile"], found["root"]) == (300, 512)


def test_a_head_that_was_cut_off(log: Log) -> None:
    with log.unguarded():
        log.run(
            "DELETE FROM compliance_event e USING compliance_leaf l"
            " WHERE l.event_id = e.event_id AND l.idx < 100"
        )
        log.run("DELETE FROM compliance_leaf WHERE idx < 100")
    assert log.found()["numbering"] == 0


def cut_tail(log: Log, size: int) -> None:
    with log.unguarded():
        log.run(
            "DELETE FROM compliance_mention m USING compliance_leaf l"
            " WHERE l.event_id = m.event_id AND l.idx >= %s",
            [size],
        )
        log.run(
            "DELETE FROM compliance_event e USING compliance_leaf l"
            " WHERE l.event_id = e.event_id AND l.idx >= %s",
            [size],
        )
        log.run("DELETE FROM compliance_leaf WHERE idx >= %s", [size])
        for table in ("root", "checkpoint", "cosignature"):
            log.run(f"DELETE FROM compliance_{table} WHERE size > %s", [size])
        log.run("DELETE FROM compliance_tile WHERE n >= %s OR level > 0", [size // 256])


def test_a_tail_that_was_cut_off(log: Log) -> None:
    """Also what an older database looks like that was put in the place of this one."""
    cut_tail(log, 255)
    found = log.found()
    assert found == {"truncated": 255}
    with pytest.raises(Damaged, match="255 events, and 602 were signed"):
        log.sign()
    assert log.alarms() == ["restored tree"]
    # The witness has seen more, and says so to whoever asks it.
    asked = log.witness()
    reply = asked.add(log.request(0))
    assert (reply.status, reply.text) == (409, "602\n")


def test_a_tail_that_has_grown_again_after_it_was_cut_off(log: Log) -> None:
    cut_tail(log, 255)
    log.edge = numbering.current_edge(log.database)
    log.pens = []
    log.write(400)
    log.number()
    assert log.found()["rewritten"] == SIZE
    with pytest.raises(Damaged, match="not those that were signed"):
        log.sign()
    assert log.alarms() == ["rewritten tree"]


def rewrite(log: Log, *, leave_out: int) -> None:
    """Everything anew without one event, with a tree that is right in itself."""
    event = log.event(leave_out)
    with log.unguarded():
        for table in ("mention", "event"):
            log.run(f"DELETE FROM compliance_{table} WHERE event_id = %s", [event])
        log.run(
            "INSERT INTO compliance_pending (event_id, recorded_at, leaf, writer, seq)"
            " SELECT event_id, recorded_at, leaf,"
            "  (convert_from(header, 'UTF8')::jsonb->>'writer')::uuid,"
            "  (convert_from(header, 'UTF8')::jsonb->>'seq')::bigint FROM compliance_event"
        )
        for table in ("leaf", "tile", "root", "checkpoint", "cosignature"):
            log.run(f"DELETE FROM compliance_{table}")
    log.edge = Edge()
    log.number()


def test_a_record_that_was_rewritten_as_a_whole(log: Log) -> None:
    rewrite(log, leave_out=300)
    log.write(20)
    log.number()
    found = log.found()
    assert found["rewritten"] == SIZE
    assert found["chain"] in range(300, 305)
    with pytest.raises(Damaged, match="not those that were signed"):
        log.sign()
    assert log.alarms() == ["rewritten tree"]


def signed_by_a_thief(log: Log) -> None:
    """The new tree under the old key, and the signer's files made to say so."""
    key = keys.read(log.place).log
    size, root = log.run("SELECT size, root FROM compliance_root ORDER BY size DESC LIMIT 1")[0]
    text = note.sign(note.checkpoint_text(origin=key.name, size=size, root=bytes(root)), key)
    log.run(
        "INSERT INTO compliance_checkpoint (size, root, note, signed_at)"
        " VALUES (%s, %s, %s, now())",
        [size, root, text],
    )
    for file in (log.place.head, log.place.anchor, log.place.verified):
        file.unlink(missing_ok=True)


def test_a_record_that_was_rewritten_with_the_stolen_key(log: Log) -> None:
    rewrite(log, leave_out=300)
    log.write(20)
    log.number()
    signed_by_a_thief(log)
    # Inside the house only the chains still tell of it. The witness does not sign.
    assert set(log.found()) == {"chain"}
    asked = log.witness()
    seen, _ = asked.seen(keys.read(log.place).log.name)
    assert seen == SIZE
    assert asked.add(log.request(seen)).status == 422


def test_two_histories_for_two_readers(log: Log) -> None:
    """One of them can be cosigned, never both; two signed heads of one size convict the signer."""
    log.write(10)
    log.number()
    log.sign()
    log.cosign()
    asked = log.witness()
    origin = keys.read(log.place).log.name
    assert asked.seen(origin)[0] == SIZE + 10
    rewrite(log, leave_out=SIZE + 3)
    log.write(1)
    log.number()
    signed_by_a_thief(log)
    reply = asked.add(log.request(SIZE + 10))
    assert (reply.status, reply.text) == (409, f"{SIZE + 10}\n")


def test_a_clock_that_was_set_back(log: Log) -> None:
    log.write(3)
    for pen in log.pens:
        pen.behind = timedelta(minutes=4)
    log.write(3)
    log.number()
    # What a writer wrote stays in its order, so its later event stands right behind the first.
    assert log.found() == {"time": SIZE + 1}
    log.sign()
    assert len(log.alarms()) == 3
    assert all(alarm.startswith("clock ") for alarm in log.alarms())


def test_a_witness_never_signs_an_earlier_time_than_before(log: Log) -> None:
    file = log.place.home / "witness" / "time"
    later = int(file.read_text()) + 1_000_000
    file.write_text(str(later))
    log.write(1)
    log.number()
    log.sign()
    log.cosign()
    (_, size, at) = log.verify().newest.cosigned[0]
    assert (size, at) == (SIZE + 1, later)


def test_after_an_older_database_was_restored_a_new_log_begins(log: Log) -> None:
    cut_tail(log, 255)
    with pytest.raises(Damaged):
        log.sign()
    keys.begin_anew(log.place)
    log.edge = numbering.current_edge(log.database)
    log.pens = []
    log.write(10)
    log.number()
    assert log.sign().head.size == 265
    assert log.alarms() == []
    # Heads of the log before are still good for what they are about.
    result = log.verify()
    assert (result.report.damage, result.newest.size) == ({}, 265)
    # The witness has to be told that this is the same record under another name.
    assert log.witness().add(log.request(0)).status == 404
