"""When an answer goes round in a circle, it is cut where the circle closes."""

from typing import Any

import pytest

from assistant.chat.repeats import first_repeated
from assistant.chat.turn import NOTHING_SHOWN
from assistant.chat.writing import Writing
from tests.samples import truths

RENT = "The rent is due on the third working day."
KEYS = "The keys are given back on the last day."
ROOF = "The landlord pays for the roof."


class Reader:
    """Takes what would go to the browser."""

    def text(self, piece: str) -> None:
        pass

    def event(self, event: dict[str, Any]) -> None:
        pass


def written(text: str, size: int) -> Writing:
    """The writing after a model said this in pieces, as far as it was let."""
    reader: Any = Reader()
    writing = Writing(NOTHING_SHOWN, reader, mark="7c67d61a0ccf", grounded=True)
    for start in range(0, len(text), size):
        writing.add(text[start : start + size])
        if writing.is_repeating:
            break
    writing.end()
    assert "".join(sentence["text"] for sentence in writing.sentences) == writing.text
    return writing


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([RENT, RENT], None),
        ([RENT, RENT, RENT], 1),
        ([KEYS, RENT, RENT, RENT], 2),
        ([RENT, KEYS, RENT], None),
        ([RENT, KEYS, RENT, KEYS], 2),
        ([ROOF, RENT, KEYS, RENT, KEYS], 3),
        ([RENT, KEYS, ROOF, RENT, KEYS, ROOF], 3),
        (["Yes.", "No.", "Yes.", "No."], None),
        (["Yes.", "No."] * 3, 2),
        ([f"1. {RENT} ", f"2. {RENT.upper()}", f"- {RENT}\n"], 1),
        (["It is 3.", "It is 4.", "It is 5."], None),
        ([], None),
    ],
)
def test_the_place_where_a_circle_closes(said: list[str], expected: int | None) -> None:
    assert first_repeated(said) == expected


@pytest.mark.parametrize("size", [1, 7, 60, 5000])
def test_the_first_round_stays_and_the_others_go(size: int) -> None:
    writing = written(f"{ROOF} " + f"{RENT} {KEYS} " * 20, size)
    assert writing.is_repeating
    assert writing.text.split() == f"{ROOF} {RENT} {KEYS}".split()


def test_a_repetition_at_the_end_of_an_answer_goes_too() -> None:
    assert written(f"{RENT} {RENT} {RENT}", 9).text == f"{RENT} "


def test_an_answer_of_many_different_sentences_stays_whole() -> None:
    writing = written(truths(48), 9)
    assert not writing.is_repeating
    assert writing.text == truths(48)
