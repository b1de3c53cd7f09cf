"""Connections to a model server are used again, and replaced when they have gone stale."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference.client import Cancel, Client
from inference.errors import Refused
from inference.generate import Prompt, complete, stream
from inference.wire import Address
from tests.model_server import ModelServer, Script

Wait = Callable[[Callable[[], bool]], bool]


def read(client: Client, prompt: Prompt) -> str:
    return "".join(delta.text for delta in stream(client, prompt, cancel=Cancel()))


@pytest.fixture
def patient(server: ModelServer) -> Iterator[Client]:
    client = Client(server.address, model="small")
    yield client
    client.close()


def test_one_connection_serves_many_answers(
    server: ModelServer, patient: Client, prompt: Prompt
) -> None:
    server.enqueue("One.", "Two.", "Three.")
    assert [read(patient, prompt) for _ in range(3)] == ["One.", "Two.", "Three."]
    assert complete(patient, prompt).text
    assert server.connections_made == 1


def test_a_connection_closed_while_idle_is_replaced(
    server: ModelServer, patient: Client, prompt: Prompt, eventually: Wait
) -> None:
    server.enqueue("One.", "Two.")
    read(patient, prompt)
    server.hang_up()
    assert eventually(lambda: server.connections_open == 0)
    assert read(patient, prompt) == "Two."
    assert server.connections_made == 2


def test_an_answer_left_half_read_does_not_leak_into_the_next(
    server: ModelServer, patient: Client, prompt: Prompt
) -> None:
    # Nothing waits in the socket when Bob asks; Alice's next token would come before his first.
    server.enqueue(
        Script(text="secret of Alice", between_tokens_seconds=0.1),
        Script(text="For Bob.", first_token_seconds=0.3),
    )
    alice = stream(patient, prompt, cancel=Cancel())
    next(alice)
    alice.close()
    assert read(patient, prompt) == "For Bob."


def test_an_error_reply_leaves_the_connection_in_use(
    server: ModelServer, patient: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(status=422, message="no"), "Yes.")
    with pytest.raises(Refused):
        read(patient, prompt)
    assert read(patient, prompt) == "Yes."
    assert server.connections_made == 1


def test_it_speaks_over_a_unix_socket(tmp_path: Path, prompt: Prompt) -> None:
    with ModelServer(model="small", socket_path=tmp_path / "model.sock") as server:
        server.enqueue("Over the socket.")
        assert server.address.startswith("unix://")
        assert read(Client(server.address, model="small"), prompt) == "Over the socket."


def test_sixty_four_threads_share_one_client(
    server: ModelServer, patient: Client, prompt: Prompt
) -> None:
    words = tuple(f" {number}" for number in range(20))
    server.enqueue(*[Script(tokens=words, between_tokens_seconds=0.005)] * 64)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(read(patient, prompt))) for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == ["".join(words)] * 64


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_takes_connections_of_its_own(
    server: ModelServer, patient: Client, prompt: Prompt
) -> None:
    server.enqueue("Parent.", "Child.", "Parent again.")
    read(patient, prompt)
    child = os.fork()
    if child == 0:
        os._exit(0 if read(patient, prompt) == "Child." else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert read(patient, prompt) == "Parent again."
    assert server.connections_made == 2


@pytest.mark.parametrize(
    "text", ["", "127.0.0.1:8001", "https://model/v1", "unix://model.sock", "ftp://x/v1", "http://"]
)
def test_it_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(Refused, match="no model address"):
        Client(text, model="small")


def test_it_reads_addresses() -> None:
    assert Address.parse("http://127.0.0.1:8001/v1/").prefix == "/v1"
    assert Address.parse("http://model").port == 80
    assert Address.parse("http://[::1]:8001/v1").host_header == "[::1]:8001"
    assert Address.parse("unix:///run/model.sock").socket_path == "/run/model.sock"
