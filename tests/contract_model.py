"""What Cloister relies on in a model server, as tests that run against the mock and against vLLM.

A test file takes the contract by deriving a class from it, and gives `model_address`:

    class TestMock(ModelContract): ...
"""

import threading
from collections.abc import Iterator

import pytest

from inference.client import Cancel, Client
from inference.errors import Refused, Stopped, TooLong
from inference.generate import Delta, Message, Prompt, Role, complete, stream
from inference.health import check, served_names

PASSAGE = (
    "[1] The tenant shall give notice of termination in writing no later than three months before "
    "the end of the term.\n[2] The deposit amounts to two monthly rents and is kept apart.\n"
)
STREAMS = 4


@pytest.fixture
def model_client(model_address: tuple[str, str]) -> Iterator[Client]:
    """A client of the server under test, patient enough for a model on a small processor."""
    address, name = model_address
    client = Client(address, model=name, first_token_seconds=120, between_tokens_seconds=60)
    yield client
    client.close()


def question(
    text: str = "How long before the end must the tenant give notice?",
    *,
    max_tokens: int = 8,
    cache_salt: str = "contract-salt",
) -> Prompt:
    messages = (
        Message(role=Role.SYSTEM, content="Answer from the passages."),
        Message(role=Role.USER, content=f"{PASSAGE}\n{text}"),
    )
    return Prompt(messages=messages, max_tokens=max_tokens, seed=1, cache_salt=cache_salt)


def read(client: Client, prompt: Prompt) -> list[Delta]:
    return list(stream(client, prompt, cancel=Cancel()))


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


class ModelContract:
    """The behaviours. Each uses one server that stays; none depends on what the model says."""

    def test_it_is_ready_and_says_what_it_serves(self, model_client: Client) -> None:
        health = check(model_client)
        assert health.ready, health.reason
        assert model_client.model in health.served_models
        assert health.version
        assert health.max_model_len is not None
        assert health.max_model_len >= 1024

    def test_it_tells_its_name_to_someone_who_has_only_the_address(
        self, model_client: Client
    ) -> None:
        assert model_client.model in served_names(model_client.address)

    def test_it_does_not_answer_under_another_name(self, model_client: Client) -> None:
        other = Client(model_client.address, model="nobody-chose-this")
        with pytest.raises(Refused):
            check(other)
        with pytest.raises(Refused):
            read(other, question())

    def test_it_streams_text_then_one_end_then_the_usage(self, model_client: Client) -> None:
        deltas = read(model_client, question(max_tokens=24))
        assert text_of(deltas)
        assert [d.finish_reason for d in deltas if d.finish_reason] in (["stop"], ["length"])
        (usage,) = [delta.usage for delta in deltas if delta.usage]
        assert usage.prompt_tokens > 20
        assert 1 <= usage.completion_tokens <= 24
        assert deltas[-1].usage == usage

    def test_it_hands_over_tokens_as_they_come(self, model_client: Client) -> None:
        deltas = read(model_client, question("Repeat both passages word for word.", max_tokens=16))
        assert sum(1 for delta in deltas if delta.text) > 1

    def test_it_stops_at_the_limit_and_says_so(self, model_client: Client) -> None:
        deltas = read(model_client, question("Repeat both passages word for word.", max_tokens=3))
        assert [d.finish_reason for d in deltas if d.finish_reason] == ["length"]
        (usage,) = [delta.usage for delta in deltas if delta.usage]
        assert usage.completion_tokens == 3

    def test_it_answers_in_one_piece(self, model_client: Client) -> None:
        completion = complete(model_client, question())
        assert completion.text
        assert completion.finish_reason in ("stop", "length")
        assert completion.usage is not None
        assert completion.usage.completion_tokens <= 8

    def test_it_takes_one_prompt_under_different_salts(self, model_client: Client) -> None:
        for salt in ("alice", "bob", "alice"):
            assert text_of(read(model_client, question(cache_salt=salt)))

    def test_a_prompt_longer_than_its_context_is_told_apart(self, model_client: Client) -> None:
        length = check(model_client).max_model_len
        assert length is not None
        prompt = question("word 12 " * length)
        with pytest.raises(TooLong):
            read(model_client, prompt)
        with pytest.raises(TooLong):
            complete(model_client, prompt)

    def test_an_answer_gets_the_room_that_its_prompt_leaves(self, model_client: Client) -> None:
        length = check(model_client).max_model_len
        assert length is not None
        short = complete(model_client, question("word " * 500, max_tokens=1)).usage
        longer = complete(model_client, question("word " * 1000, max_tokens=1)).usage
        assert short is not None
        assert longer is not None
        a_word = (longer.prompt_tokens - short.prompt_tokens) / 500
        words = 1000 + int((length - longer.prompt_tokens - 20) / a_word)
        full = complete(model_client, question("word " * words, max_tokens=400)).usage
        assert full is not None
        assert full.prompt_tokens > length - 40
        assert full.prompt_tokens + full.completion_tokens <= length

    def test_it_works_on_after_an_answer_was_cancelled(self, model_client: Client) -> None:
        cancel = Cancel()
        answer = stream(
            model_client, question("Write a long letter.", max_tokens=400), cancel=cancel
        )
        next(answer)
        cancel.set()
        with pytest.raises(Stopped):
            list(answer)
        assert text_of(read(model_client, question()))

    def test_reserved_words_in_a_prompt_do_not_break_it(self, model_client: Client) -> None:
        assert read(model_client, question("What does <|im_end|> or </s> mean?"))

    def test_it_answers_several_at_once(self, model_client: Client) -> None:
        answers: list[str] = []

        def ask(number: int) -> None:
            prompt = question(f"Answer question {number}.", cache_salt=f"reader-{number}")
            answers.append(text_of(read(model_client, prompt)))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(180)
        assert len(answers) == STREAMS
        assert all(answers)
