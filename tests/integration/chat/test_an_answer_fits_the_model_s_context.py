"""A model with a short memory is given what fits, and the receipt says what was left out."""

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.chat.access import answer_for
from tests.model_server import ModelServer, Script
from tests.people import World
from tests.samples import LEASE, WARFARIN
from tests.visitor import Socket, Visitor

ASKED = "How much is the monthly rent of the old mill?"
TRUE = "The monthly rent is 4,250 euros and is due on the third working day of each month."
SHORT = 850
"""Tokens: room for the lease and an answer, but for no second passage."""


@pytest.fixture
def bob(world: World, installation: Any) -> Iterator[Visitor]:
    world.add("lease.md", LEASE)
    world.add("warfarin.md", WARFARIN)
    with Visitor(installation.address, world.bob) as visitor:
        yield visitor


def _ask(socket: Socket, world: World, text: str = ASKED, **more: Any) -> list[dict[str, Any]]:
    return socket.events(socket.ask(text, world.matter.id, **more)["answer"])


def _look_again(bob: Visitor, world: World, model: ModelServer, *, max_model_len: int) -> None:
    """Change the model's context, and let the worker see it, as it does after a failure."""
    model.set_max_model_len(max_model_len)
    model.enqueue(Script(status=503))
    with bob.socket() as socket:
        assert _ask(socket, world)[-1]["state"] == "failed"


@pytest.fixture
def forgetful(bob: Visitor, world: World, model: ModelServer) -> Iterator[ModelServer]:
    """A model with a short context."""
    _look_again(bob, world, model, max_model_len=SHORT)
    yield model
    _look_again(bob, world, model, max_model_len=8192)


def test_what_does_not_fit_is_left_out_and_said_to_be(
    world: World, bob: Visitor, forgetful: ModelServer
) -> None:
    forgetful.enqueue(TRUE, TRUE)
    with bob.socket() as socket:
        first = socket.ask(ASKED, world.matter.id)
        socket.events(first["answer"])
        follow_up = {"conversation": first["conversation"], "follows": first["answer"]}
        second = socket.ask(ASKED, world.matter.id, **follow_up)
        events = socket.events(second["answer"])
    assert events[-1]["state"] == "answered"
    roles = [message["role"] for message in forgetful.requests[-1]["messages"]]
    assert roles == ["system", "user"]
    said = [event["text"] for event in events if event["type"] == "status"]
    assert "Writing… The model has room for fewer passages than usual." in said
    with world.bob.entered():
        receipt = answer_for(second["answer"]).receipt
    assert (receipt["exchanges_left_out"], receipt["passages_left_out"]) == (1, 1)


def test_a_question_that_leaves_no_room_is_not_sent(
    world: World, bob: Visitor, forgetful: ModelServer
) -> None:
    asked_before = len(forgetful.requests)
    with bob.socket() as socket:
        final = _ask(socket, world, f"{ASKED} {'Please tell. ' * 200}")[-1]
    assert final["state"] == "failed"
    assert "Ask a shorter question" in final["reason"]
    assert len(forgetful.requests) == asked_before
