"""What does not fit a model's context is left out: old exchanges first, then the last passages."""

from typing import Any

import pytest

from assistant.chat import prompt
from inference.errors import TooLong
from inference.tokens import estimate, fits

QUESTION = "How much is the monthly rent?"
SOURCES = [
    prompt.Source(title=f"lease-{number}.md", page=1, text=f"Passage {number}. " + "word " * 200)
    for number in range(1, 5)
]
HISTORY = [
    prompt.Exchange(question=f"Question {number}?", answer="An answer. " * 30)
    for number in range(1, 3)
]
ANSWER = 400


def fitted(max_model_len: int | None, **changed: Any) -> prompt.Fitted:
    given: dict[str, Any] = {"sources": SOURCES, "history": HISTORY, "max_tokens": ANSWER} | changed
    return prompt.fit(
        QUESTION, mark="7c67d61a0ccf", cache_salt="salt", max_model_len=max_model_len, **given
    )


def left_out(found: prompt.Fitted) -> tuple[int, int]:
    return found.exchanges_left_out, found.passages_left_out


def size_of(found: prompt.Fitted) -> int:
    """The smallest context that the prompt and its answer fit."""
    return sum(estimate(m.content) + 8 for m in found.prompt.messages) + ANSWER


def test_with_room_nothing_is_left_out() -> None:
    whole = fitted(None)
    assert left_out(whole) == (0, 0)
    assert fitted(size_of(whole)) == whole


def test_the_oldest_exchange_goes_first() -> None:
    found = fitted(size_of(fitted(None)) - 1)
    assert left_out(found) == (1, 0)
    text = prompt.text_of(found.prompt)
    assert "Question 1?" not in text
    assert "Question 2?" in text


def test_then_the_last_passages_go_and_the_best_stays() -> None:
    without_history = size_of(fitted(None, history=[]))
    assert left_out(fitted(without_history)) == (2, 0)
    found = fitted(without_history - 1)
    assert left_out(found) == (2, 1)
    text = prompt.text_of(found.prompt)
    assert "Passage 3." in text
    assert "Passage 4." not in text
    least = fitted(size_of(fitted(None, history=[], sources=SOURCES[:1])))
    assert left_out(least) == (2, 3)


@pytest.mark.parametrize("room", range(1000, 2200, 50))
def test_prompt_and_answer_always_stay_inside(room: int) -> None:
    texts = [message.content for message in fitted(room).prompt.messages]
    assert fits(texts, max_tokens=ANSWER, max_model_len=room)


def test_a_question_that_leaves_no_room_is_too_long() -> None:
    least = size_of(fitted(None, history=[], sources=SOURCES[:1]))
    with pytest.raises(TooLong):
        fitted(least - 1)


def test_without_documents_only_history_is_left_out() -> None:
    alone = size_of(fitted(None, history=[], sources=[], uses_documents=False))
    assert left_out(fitted(alone, sources=[], uses_documents=False)) == (2, 0)
    with pytest.raises(TooLong):
        fitted(alone - 1, sources=[], uses_documents=False)
