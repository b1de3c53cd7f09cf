"""A model's answer is handed over token by token, and whole when it is asked for whole."""

import time
from collections.abc import Callable

from inference.client import Cancel, Client
from inference.generate import Message, Prompt, Role, Usage, complete, stream
from tests.model_server import ModelServer, Script


def test_it_hands_over_the_tokens_in_order(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(tokens=("The", " limit", " is", " 40", " mg.")))
    deltas = list(stream(client, prompt, cancel=Cancel()))
    assert [delta.text for delta in deltas if delta.text] == ["The", " limit", " is", " 40", " mg."]


def test_it_ends_with_the_reason_and_the_usage(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue("The limit is 40 mg.")
    *_, reason, usage = stream(client, prompt, cancel=Cancel())
    assert reason.finish_reason == "stop"
    assert usage.usage == Usage(prompt_tokens=4, completion_tokens=5)


def test_it_says_when_the_answer_ran_out_of_room(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue(Script(text="on and on ", forever=True))
    deltas = list(stream(client, prompt, cancel=Cancel()))
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["length"]
    assert sum(1 for delta in deltas if delta.text) == prompt.max_tokens


def test_it_keeps_marks_beyond_ascii_and_line_breaks_whole(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    said = ("Größe\r\n", "\u2028", "\U0001f512", '"data: [DONE]"', "\x00\\n")
    server.enqueue(Script(tokens=said))
    assert tuple(d.text for d in stream(client, prompt, cancel=Cancel()) if d.text) == said


def test_it_reads_events_that_arrive_in_pieces_or_with_other_line_ends(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    event = b'{"choices":[{"delta":{"content":"%b"},"finish_reason":%b}]}'
    body = b": hello\r\nevent: x\r\ndata:" + event % (b"A", b"null") + b"\r\n\r\n"
    body += b"data: " + event % (b"B", b'"stop"') + b"\n\ndata: [DONE]\n\n"
    server.enqueue(Script(raw=body))
    assert "".join(d.text for d in stream(client, prompt, cancel=Cancel())) == "AB"


def test_it_sends_what_the_prompt_says_and_no_tools(server: ModelServer, client: Client) -> None:
    server.enqueue("Yes.")
    messages = (
        Message(role=Role.SYSTEM, content="Answer."),
        Message(role=Role.USER, content="Ist 40 mg die Größe?"),
    )
    prompt = Prompt(messages=messages, max_tokens=7, temperature=0.5, seed=3, cache_salt="salt")
    list(stream(client, prompt, cancel=Cancel()))
    assert server.requests == [
        {
            "model": "small",
            "messages": [
                {"role": "system", "content": "Answer."},
                {"role": "user", "content": "Ist 40 mg die Größe?"},
            ],
            "max_tokens": 7,
            "temperature": 0.5,
            "seed": 3,
            "n": 1,
            "cache_salt": "salt",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


def test_it_returns_an_answer_in_one_piece(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    server.enqueue("The limit is 40 mg.")
    completion = complete(client, prompt)
    assert completion.text == "The limit is 40 mg."
    assert completion.finish_reason == "stop"
    assert completion.usage == Usage(prompt_tokens=4, completion_tokens=5)
    assert "stream" not in server.requests[0]


def test_a_reader_that_walks_away_frees_the_slot(
    server: ModelServer,
    client: Client,
    prompt: Prompt,
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    server.enqueue(Script(text="on and on", forever=True, between_tokens_seconds=0.01))
    answer = stream(client, prompt, cancel=Cancel())
    next(answer)
    assert server.open_streams == 1
    answer.close()
    assert eventually(lambda: server.open_streams == 0)
    assert server.disconnects == 1


def test_a_reader_that_rests_gets_all_the_same_tokens(
    server: ModelServer, client: Client, prompt: Prompt
) -> None:
    rests: list[float] = []

    def rest() -> None:
        rests.append(time.monotonic())
        time.sleep(0.05)

    words = tuple(f" {number}" for number in range(30))
    server.enqueue(Script(tokens=words, between_tokens_seconds=0.005))
    deltas = list(stream(client, prompt, cancel=Cancel(), rest=rest))
    assert tuple(delta.text for delta in deltas if delta.text) == words
    assert 0 < len(rests) < len(words) / 2
