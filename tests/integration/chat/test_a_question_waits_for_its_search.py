"""While others search, a question waits its turn: its asker is told, and it is not lost."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from assistant.documents import admission
from assistant.documents.admission import SharedQueue
from tests.model_server import ModelServer
from tests.people import World
from tests.samples import LEASE
from tests.visitor import Socket, Visitor

ASKED = "How much is the monthly rent of the old mill?"
TRUE = "The monthly rent is 4,250 euros and is due on the third working day of each month."


@pytest.fixture
def bob(world: World, installation: Any) -> Visitor:
    world.add("lease.md", LEASE)
    return Visitor(installation.address, world.bob)


@pytest.fixture
def others(database: Any) -> Iterator[list[str]]:
    """Searches of another process that hold every place."""
    queue = SharedQueue(settings.REDIS_URL, admission.places())
    names = [uuid4().hex for _ in range(admission.places())]
    for name in names:
        assert queue.take(name)
    yield names
    for name in names:
        queue.give_back(name)


def _until_told(socket: Socket) -> list[str]:
    texts: list[str] = []
    while not texts or "waits its turn" not in texts[-1]:
        event = socket.next_of("event")["event"]
        assert event["type"] == "status", event
        texts.append(event["text"])
    return texts


def _end(others: list[str]) -> None:
    queue = SharedQueue(settings.REDIS_URL, admission.places())
    for name in others:
        queue.give_back(name)


def test_the_asker_is_told_and_answered_when_it_is_their_turn(
    world: World, bob: Visitor, model: ModelServer, others: list[str]
) -> None:
    model.enqueue(TRUE)
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, world.matter.id)
        assert _until_told(socket)[0].startswith("Searching")
        _end(others)
        events = socket.events(accepted["answer"])
    assert next(event["type"] for event in events if event["type"] != "status") == "evidence"
    assert events[-1]["state"] == "answered"


def test_who_stops_while_waiting_is_not_searched_for(
    world: World, bob: Visitor, model: ModelServer, others: list[str]
) -> None:
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, world.matter.id)
        _until_told(socket)
        socket.send(type="stop", answer=accepted["answer"])
        events = socket.events(accepted["answer"])
    assert {event["type"] for event in events} <= {"status", "final"}
    assert events[-1]["state"] == "stopped"
    waiting = redis.Redis.from_url(settings.REDIS_URL).zcard("{search}:order")
    assert waiting == 0


def test_a_queue_that_is_lost_loses_no_question(
    world: World, bob: Visitor, model: ModelServer, others: list[str]
) -> None:
    model.enqueue(TRUE)
    with bob.socket() as socket:
        accepted = socket.ask(ASKED, world.matter.id)
        _until_told(socket)
        redis.Redis.from_url(settings.REDIS_URL).delete(*admission._KEYS)
        assert socket.events(accepted["answer"])[-1]["state"] == "answered"
