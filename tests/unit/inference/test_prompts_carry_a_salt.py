"""No prompt leaves without the salt that keeps cached prefixes apart."""

import pytest

from inference.client import Cancel, Client
from inference.errors import Refused, Unsalted
from inference.generate import Message, Prompt, Role, complete, stream
from tests.model_server import ModelServer

QUESTION = (Message(role=Role.USER, content="What is the limit?"),)
UNSALTED = Prompt(messages=QUESTION, max_tokens=10, cache_salt="")


def test_a_stream_without_a_salt_is_refused_before_it_is_read(
    server: ModelServer, client: Client
) -> None:
    with pytest.raises(Unsalted):
        stream(client, UNSALTED, cancel=Cancel())
    assert server.requests == []


def test_a_whole_answer_without_a_salt_is_refused(server: ModelServer, client: Client) -> None:
    with pytest.raises(Unsalted):
        complete(client, UNSALTED)
    assert server.requests == []


def test_the_refusal_counts_as_final_and_as_a_mistake_of_the_caller() -> None:
    assert issubclass(Unsalted, Refused)
    assert issubclass(Unsalted, ValueError)


def test_the_salt_arrives_with_the_prompt(server: ModelServer, client: Client) -> None:
    salted = Prompt(messages=QUESTION, max_tokens=10, cache_salt="matter-7-epoch-3")
    complete(client, salted)
    list(stream(client, salted, cancel=Cancel()))
    assert [request["cache_salt"] for request in server.requests] == ["matter-7-epoch-3"] * 2
