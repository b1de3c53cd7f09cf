"""What never passes from a model to a reader."""

from typing import Any

import pytest

from assistant.chat.turn import NOTHING_SHOWN
from assistant.chat.writing import Writing

MARK = "7c67d61a0ccf"


class Recorder:
    """Takes what would go to the browser."""

    def __init__(self) -> None:
        self.sent = ""

    def text(self, piece: str) -> None:
        self.sent += piece

    def event(self, event: dict[str, Any]) -> None:
        pass


def written(*pieces: str) -> str:
    recorder = Recorder()
    writing = Writing(NOTHING_SHOWN, recorder, mark=MARK, grounded=True)  # type: ignore[arg-type]
    for piece in pieces:
        writing.add(piece)
    writing.end()
    assert recorder.sent == writing.text
    assert "".join(sentence["text"] for sentence in writing.sentences) == writing.text
    return writing.text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 200])
def test_the_prompt_s_fences_are_taken_out_however_they_come(size: int) -> None:
    text = f"First. <<{MARK} passage 1, a title, page 2>>\nSecond.\n<</{MARK}>>"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert written(*pieces).split() == ["First.", "Second."]


@pytest.mark.parametrize("size", [1, 5, 200])
def test_other_angles_stay(size: int) -> None:
    text = "If a < b and c << d, then <<other>> holds. Is 1 < 2? Yes <"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert written(*pieces) == text


def test_characters_nobody_sees_are_dropped() -> None:
    assert written("The re\u200bnt\U000e0041 is\u202e due.\x1b[0m") == "The rent is due.[0m"
