"""Cancelling from another thread ends an answer at once, and the server frees its slot."""

import threading
import time
from collections.abc import Callable

import pytest

from inference.client import Cancel, Client
from inference.errors import Stopped
from inference.generate import Prompt, complete, stream
from tests.model_server import ModelServer, Script

AT_ONCE_SECONDS = 0.1
Wait = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def client(server: ModelServer) -> Client:
    """A patient client: nothing but the cancel ends its answers."""
    return Client(server.address, model="small")


def seconds_to_stop(answer: Callable[[Cancel], object], when: Callable[[], bool]) -> float:
    """Cancel as soon as `when` is true; return how long the blocked reader took to notice."""
    cancel, cancelled_at = Cancel(), [0.0]

    def press() -> None:
        while not when():
            time.sleep(0.005)
        time.sleep(0.05)  # Let the reader block.
        cancelled_at[0] = time.monotonic()
        cancel.set()

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(Stopped):
        answer(cancel)
    noticed_at = time.monotonic()
    thread.join()
    return noticed_at - cancelled_at[0]


def test_it_ends_before_the_first_token(
    server: ModelServer, client: Client, prompt: Prompt, eventually: Wait
) -> None:
    server.enqueue(Script(text="late", first_token_seconds=60))
    taken = seconds_to_stop(
        lambda cancel: list(stream(client, prompt, cancel=cancel)),
        when=lambda: server.open_streams == 1,
    )
    assert taken < AT_ONCE_SECONDS
    assert eventually(lambda: server.open_streams == 0)
    assert server.disconnects == 1


def test_it_ends_between_two_tokens(
    server: ModelServer, client: Client, prompt: Prompt, eventually: Wait
) -> None:
    server.enqueue(Script(tokens=("A", "B", "C"), hang_after=2))
    said = []

    def read(cancel: Cancel) -> None:
        for delta in stream(client, prompt, cancel=cancel):
            said.append(delta.text)

    assert seconds_to_stop(read, when=lambda: len(said) == 2) < AT_ONCE_SECONDS
    assert said == ["A", "B"]
    assert eventually(lambda: server.disconnects == 1)


def test_it_ends_while_the_head_of_the_reply_is_awaited(
    server: ModelServer, client: Client, prompt: Prompt, eventually: Wait
) -> None:
    server.enqueue(Script(text="late", first_token_seconds=60))
    taken = seconds_to_stop(
        lambda cancel: complete(client, prompt, cancel=cancel),
        when=lambda: server.open_streams == 1,
    )
    assert taken < AT_ONCE_SECONDS
    assert eventually(lambda: server.disconnects == 1)


def test_tokens_that_wait_in_the_buffer_are_not_handed_over(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(text="on and on", forever=True, between_tokens_seconds=0.002))
    cancel = Cancel()
    answer = stream(client, prompt, cancel=cancel)
    next(answer)
    time.sleep(0.05)
    cancel.set()
    with pytest.raises(Stopped):
        list(answer)


def test_a_cancel_before_the_question_sends_nothing(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Stopped):
        list(stream(client, prompt, cancel=cancel))
    assert server.requests == []


def test_a_late_cancel_does_not_end_the_next_answer(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue("First.", Script(tokens=("Sec", "ond."), between_tokens_seconds=0.1))
    first = Cancel()
    list(stream(client, prompt, cancel=first))
    answer = stream(client, prompt, cancel=Cancel())
    text = next(answer).text
    first.set()
    assert text + "".join(delta.text for delta in answer) == "Second."


def test_the_client_works_on_after_a_cancel(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(text="on and on", forever=True), "Back again.")
    cancel = Cancel()
    answer = stream(client, prompt, cancel=cancel)
    next(answer)
    cancel.set()
    cancel.set()
    with pytest.raises(Stopped):
        list(answer)
    assert complete(client, prompt).text == "Back again."
