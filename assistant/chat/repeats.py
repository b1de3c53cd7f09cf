"""Tells when a model has begun to say the same thing over and over, as small ones do. Pure."""

import re
from collections.abc import Sequence

LONGEST_CYCLE = 12
"""Sentences; a loop of more is left to the limit of tokens."""

TIMES_ALONE = 3
"""A sentence may be said twice in a row, for emphasis or beside a table; not a third time."""

TIMES_TOGETHER = 2
FEWEST_WORDS = 8
"""A cycle of fewer words ("Yes. No.") can be a list of short answers: it must come three times."""

_LIST_MARK = re.compile(r"\A\s*(?:\(?\d{1,3}[.)]|[-*+•])\s+")
_WORD = re.compile(r"\w+")


def first_repeated(sentences: Sequence[str]) -> int | None:
    """Where the sentences at the end begin to repeat those before them; None when they do not.

    Sentences are the same when their words are: case, punctuation and the number of a list item
    do not count.
    """
    said = [_words_of(sentence) for sentence in sentences]
    for size in range(1, min(LONGEST_CYCLE, len(said) // 2) + 1):
        cycle = said[-size:]
        times = _times(cycle)
        if len(said) >= size * times and said[-size * times :] == cycle * times:
            return len(said) - size * (times - 1)
    return None


def _times(cycle: list[tuple[str, ...]]) -> int:
    is_short = sum(map(len, cycle)) < FEWEST_WORDS
    return TIMES_ALONE if len(cycle) == 1 or is_short else TIMES_TOGETHER


def _words_of(sentence: str) -> tuple[str, ...]:
    """The words of a sentence; a sentence of marks alone is itself."""
    plain = _LIST_MARK.sub("", sentence).casefold()
    return tuple(_WORD.findall(plain)) or (plain.strip(),)
