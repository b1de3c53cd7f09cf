"""kill -9 of each part while an answer is written: what the reader sees is right, and the final
text equals the record."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from assistant.chat.access import answer_for
from compliance.commitment import Commitment, opens
from compliance.shape import Digest
from tests.model_server import ModelServer, Script
from tests.people import World
from tests.samples import LEASE, truths
from tests.visitor import Visitor, apply

ASKED = "How much is the monthly rent of the old mill?"
TRUE = "The monthly rent is 4,250 euros and is due on the third working day of each month."
SLOW = Script(text=truths(8), between_tokens_seconds=0.05)


@pytest.fixture
def read(world: World) -> World:
    world.add("lease.md", LEASE)
    return world


@pytest.fixture
def bob(read: World, installation: Any) -> Iterator[Visitor]:
    with Visitor(installation.address, read.bob) as visitor:
        yield visitor


def _follow_to_the_end(bob: Visitor, answer: str, *, seconds: float = 90) -> dict[str, Any]:
    """Follow an answer as a browser does: connect again when the line is lost, from the start."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        with contextlib.suppress(OSError, ConnectionClosed, TimeoutError):
            with bob.socket() as socket:
                socket.send(type="follow", answer=answer, after="0")
                text = ""
                while True:
                    message = socket.receive(20)
                    if message["type"] == "refused":
                        break
                    if message["type"] == "snapshot":
                        return message
                    if message["type"] != "event":
                        continue
                    event: dict[str, Any] = message["event"]
                    text = apply(text, event)
                    if event["type"] == "final":
                        return event
        time.sleep(0.5)
    raise AssertionError("the answer did not end")


def _equals_the_record(read: World, superuser: Any, answer_id: str, final: dict[str, Any]) -> None:
    with read.bob.entered():
        answer = answer_for(UUID(answer_id))
    assert (answer.text, answer.state) == (final["text"], final["state"])
    kept = Commitment(
        nonce=bytes.fromhex(answer.receipt["answer_nonce"]),
        digest=Digest(answer.receipt["answer_digest"]),
    )
    assert opens(kept, final["text"])
    events = superuser(
        "select convert_from(header, 'UTF8')::jsonb #>> '{fields,answer}' from compliance_event"
        " where type in ('answer.given', 'answer.failed', 'answer.stopped') and object = %s",
        [answer_id],
    )
    assert len(events) == 1, "one outcome in the record"
    assert events[0][0] in (answer.receipt["answer_digest"], None)


def _ask(bob: Visitor, read: World) -> str:
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, read.matter.id)
        socket.wait_for_text(accepted["answer"], characters=30)
        answer: str = accepted["answer"]
        return answer


def test_a_killed_worker_is_noticed_and_the_answer_written_again(
    read: World, bob: Visitor, installation: Any, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(SLOW, TRUE)
    answer = _ask(bob, read)
    old = installation.kill("answers")
    final = _follow_to_the_end(bob, answer)
    assert final["state"] == "answered"
    assert final["text"].strip() == TRUE, "two attempts are never joined"
    _equals_the_record(read, superuser, answer, final)
    installation.wait_until_replaced("answers", old)


def test_a_killed_web_server_loses_nothing(
    read: World, bob: Visitor, installation: Any, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(SLOW)
    answer = _ask(bob, read)
    old = installation.kill("web")
    installation.wait_until_replaced("web", old)
    final = _follow_to_the_end(bob, answer)
    assert final["text"].strip() == SLOW.text.strip()
    assert len(model.requests) == 1, "the worker went on by itself"
    _equals_the_record(read, superuser, answer, final)


def test_a_killed_valkey_only_delays(
    read: World, bob: Visitor, installation: Any, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(SLOW)
    answer = _ask(bob, read)
    old = installation.kill("valkey")
    final = _follow_to_the_end(bob, answer)
    assert final["text"].strip() == SLOW.text.strip()
    assert len(model.requests) == 1
    _equals_the_record(read, superuser, answer, final)
    installation.wait_until_replaced("valkey", old)


def test_a_question_is_taken_while_valkey_is_away(
    read: World, bob: Visitor, installation: Any, model: ModelServer
) -> None:
    model.enqueue(TRUE)
    with bob.socket() as socket:
        old = installation.kill("valkey")
        accepted = socket.ask(ASKED, read.matter.id)
    assert accepted["type"] == "accepted"
    final = _follow_to_the_end(bob, accepted["answer"])
    assert final["state"] == "answered"
    installation.wait_until_replaced("valkey", old)


def test_a_killed_postgres_loses_neither_question_nor_answer(
    read: World, bob: Visitor, installation: Any, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(SLOW)
    answer = _ask(bob, read)
    # Of the cluster only the first process is ours to kill; it ends the others.
    old = installation.kill("postgres")
    installation.wait_until_replaced("postgres", old)
    final = _follow_to_the_end(bob, answer)
    assert final["state"] in ("answered", "quoted")
    _equals_the_record(read, superuser, answer, final)


def test_without_a_database_the_asker_is_told_that_nothing_was_saved(
    read: World, bob: Visitor, installation: Any, model: ModelServer
) -> None:
    model.enqueue(TRUE)
    key = uuid4()
    with bob.socket() as socket:
        old = installation.kill("postgres")
        reply = socket.ask(ASKED, read.matter.id, key=key)
    installation.wait_until_replaced("postgres", old)
    if reply["type"] == "refused":
        assert reply["code"] == "unavailable"
        assert "Nothing was saved" in reply["message"]
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        with contextlib.suppress(OSError, ConnectionClosed), bob.socket() as socket:
            again = socket.ask(ASKED, read.matter.id, key=key)
            if again["type"] == "accepted":
                break
        time.sleep(0.5)
    assert _follow_to_the_end(bob, again["answer"])["state"] == "answered"
    assert len(model.requests) == 1


def test_a_killed_model_server_fails_the_answer_and_keeps_the_question(
    read: World, bob: Visitor, installation: Any, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(SLOW, TRUE)
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, read.matter.id)
        socket.wait_for_text(accepted["answer"], characters=30)
        model.hang_up()
        final = socket.events(accepted["answer"])[-1]
        assert final["state"] == "failed"
        assert "saved" in final["reason"]
        _equals_the_record(read, superuser, accepted["answer"], final)
        socket.send(type="again", key=uuid4(), answer=accepted["answer"])
        again = socket.next_of("accepted")
        assert socket.events(again["answer"])[-1]["state"] == "answered"


def test_a_model_that_falls_silent_is_given_up(
    read: World, bob: Visitor, model: ModelServer
) -> None:
    model.enqueue(Script(text=f"{TRUE} {TRUE}", hang_after=5))
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, read.matter.id)
        final = socket.events(accepted["answer"])[-1]
    assert final["state"] == "failed"
    assert "too long" in final["reason"]
