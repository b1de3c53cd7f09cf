"""A model server that is slow, gone or mad gives an error that says which of these it is."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from inference.client import Cancel, Client
from inference.errors import BadReply, InferenceError, Refused, Timeout, TooLong, Unavailable
from inference.generate import Message, Prompt, Role, complete, stream
from tests.model_server import ModelServer, Script

GOOD = b'data: {"choices":[{"delta":{"content":"A"},"finish_reason":null}]}\n\n'


def said_before(error: type[InferenceError], client: Client, prompt: Prompt) -> str:
    """What was yielded before `error` was raised."""
    said: list[str] = []
    answer = stream(client, prompt, cancel=Cancel())
    with pytest.raises(error):
        said.extend(delta.text for delta in answer)
    return "".join(said)


@contextmanager
def peer(*replies: bytes) -> Iterator[str]:
    """Something that is no model server: sends these bytes to whoever writes, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for reply in replies:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join(5)


def test_it_gives_up_when_the_first_token_does_not_come(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(text="late", first_token_seconds=30))
    started = time.monotonic()
    assert said_before(Timeout, client, prompt) == ""
    assert 0.3 < time.monotonic() - started < 1.0


def test_it_gives_up_when_the_next_token_does_not_come(server: ModelServer, prompt: Prompt) -> None:
    server.enqueue(Script(tokens=("A", "B", "C"), hang_after=2))
    client = Client(server.address, model="small", between_tokens_seconds=0.3)
    started = time.monotonic()
    assert said_before(Timeout, client, prompt) == "AB"
    assert 0.2 < time.monotonic() - started < 1.5


def seconds_with_signs_of_life(prompt: Prompt, *, pauses: Sequence[float], wait: float) -> float:
    """How long a client of patience `wait` stays with a server that only sends comments."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def breathe() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
                with suppress(OSError):
                    for pause in pauses:
                        time.sleep(pause)
                        connection.sendall(b": still here\n\n")
                connection.recv(1)  # Until the client hangs up.

        thread = threading.Thread(target=breathe)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        client = Client(address, model="small", first_token_seconds=wait)
        started = time.monotonic()
        assert said_before(Timeout, client, prompt) == ""
        taken = time.monotonic() - started
        thread.join(5)
    return taken


def test_signs_of_life_do_not_stand_for_tokens(prompt: Prompt) -> None:
    assert seconds_with_signs_of_life(prompt, pauses=[0.05] * 40, wait=0.4) < 1.0


def test_a_sign_of_life_does_not_start_the_wait_again(prompt: Prompt) -> None:
    assert seconds_with_signs_of_life(prompt, pauses=[0.7], wait=0.9) < 1.4


def test_a_slow_whole_answer_is_given_up(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(text="late", first_token_seconds=30))
    with pytest.raises(Timeout):
        complete(client, prompt)


def test_a_cut_answer_is_not_taken_for_a_whole_one(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(tokens=("A", "B", "C"), abort_after=2))
    assert said_before(Unavailable, client, prompt) == "AB"


def test_an_answer_that_ends_without_a_reason_is_not_taken_for_a_whole_one(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(raw=GOOD))
    assert said_before(Unavailable, client, prompt) == "A"


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {not json\n\n",
        b"data: []\n\n",
        b'data: {"choices":[{}]}\n\n',
        b'data: {"choices":7}\n\n',
        b'data: {"choices":[{"delta":{"content":7}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"A"}}],"usage":[7]}\n\n',
    ],
    ids=["no-json", "list", "no-delta", "choices", "number", "usage"],
)
def test_garbage_is_called_garbage(
    server: ModelServer, client: Client, prompt: Prompt, garbage: bytes
) -> None:
    server.enqueue(Script(raw=GOOD + garbage))
    assert said_before(BadReply, client, prompt) == "A"


def test_a_line_without_an_end_is_not_kept(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(raw=b"data: " + b"x" * 1_100_000))
    assert said_before(BadReply, client, prompt) == ""


@pytest.mark.parametrize(
    "body",
    [b"no json", b'{"choices":[]}', b'{"choices":[{"message":{"content":7},"finish_reason":"x"}]}'],
)
def test_a_whole_answer_of_garbage_is_called_garbage(
    server: ModelServer, client: Client, prompt: Prompt, body: bytes
) -> None:
    server.enqueue(Script(raw=body))
    with pytest.raises(BadReply):
        complete(client, prompt)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloXX",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffff\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}{}",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 12_000,
    ],
    ids=["ssh", "chunk-head", "chunk-end", "minus", "huge", "length", "too-much", "no-head-end"],
)
def test_what_is_not_http_is_called_garbage(prompt: Prompt, reply: bytes) -> None:
    with peer(reply) as address:
        client = Client(address, model="small", first_token_seconds=2)
        assert said_before(BadReply, client, prompt) == ""


def test_a_prompt_that_does_not_fit_is_told_apart(server: ModelServer, client: Client) -> None:
    long = Message(role=Role.USER, content="word " * 9000)
    prompt = Prompt(messages=(long,), max_tokens=10, cache_salt="salt")
    assert said_before(TooLong, client, prompt) == ""
    with pytest.raises(TooLong):
        complete(client, prompt)


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_fault_of_the_request_is_final(
    server: ModelServer, client: Client, prompt: Prompt, status: int
) -> None:
    server.enqueue(Script(status=status, message="no"))
    assert said_before(Refused, client, prompt) == ""


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_fault_of_the_server_may_pass(
    server: ModelServer, client: Client, prompt: Prompt, status: int
) -> None:
    server.enqueue(Script(status=status, message="no"))
    assert said_before(Unavailable, client, prompt) == ""


def test_an_error_in_mid_stream_is_not_part_of_the_answer(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    failure = b'data: {"error":{"message":"EngineCore died","code":500}}\n\ndata: [DONE]\n\n'
    server.enqueue(Script(raw=GOOD + failure))
    assert said_before(Unavailable, client, prompt) == "A"


def test_nobody_at_the_address_is_unavailable(prompt: Prompt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/v1", model="small")
    with pytest.raises(Unavailable, match="Is it running"):
        list(stream(client, prompt, cancel=Cancel()))


def test_a_server_that_hangs_up_at_once_is_unavailable(prompt: Prompt) -> None:
    with peer(b"") as address:
        assert said_before(Unavailable, Client(address, model="small"), prompt) == ""


def test_an_error_quotes_little_of_what_the_server_said(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(status=422, message="x" * 5000))
    with pytest.raises(Refused) as caught:
        list(stream(client, prompt, cancel=Cancel()))
    assert len(str(caught.value)) < 400
