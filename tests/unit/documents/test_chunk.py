"""Passages: whole sentences, within limits, and steady when a document changes."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assistant.documents.chunk import Chunk, chunk
from assistant.documents.parse import Page

WORDS = (
    "party",
    "term",
    "notice",
    "shall",
    "buyer",
    "seller",
    "goods",
    "price",
    "year",
    "court",
    "claim",
    "loss",
    "right",
    "duty",
)


def count_words(text: str) -> int:
    return len(text.split())


def one_page(text: str) -> tuple[Page, ...]:
    return (Page(number=1, start=0, end=len(text)),)


def passages(text: str) -> list[str]:
    return [text[c.start : c.end] for c in chunk(text, one_page(text), count_tokens=count_words)]


def contract(sentences: int, seed: int = 7) -> list[str]:
    chance = random.Random(seed)
    made = []
    for number in range(sentences):
        words = " ".join(chance.choices(WORDS, k=chance.randint(8, 30)))
        made.append(f"Clause {number} says {words}." + chance.choice([" ", " ", "\n\n"]))
    return made


@given(st.text(alphabet=st.sampled_from("ab C.1;\n"), max_size=600), st.booleans())
def test_passages_are_in_order_within_the_limit_and_hold_everything(text: str, paged: bool) -> None:
    half = len(text) // 2
    pages = (
        Page(number=1, start=0, end=half),
        Page(number=2, start=half, end=len(text)),
    )
    found = chunk(text, pages, count_tokens=count_words, minimum=5, maximum=12, paged=paged)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(count_words(text[c.start : c.end]) <= 12 for c in found)
    joined = "".join(text[c.start : c.end] for c in found)
    assert "".join(joined.split()) == "".join(text.split())


def test_no_passage_crosses_a_page() -> None:
    text = "One two three. " * 60
    pages = (Page(number=1, start=0, end=450), Page(number=2, start=450, end=len(text)))
    found = chunk(text, pages, count_tokens=count_words)
    assert {c.page for c in found} == {1, 2}
    assert all(c.end <= 450 or c.start >= 450 for c in found)


def test_a_text_without_pages_names_the_reading_page_of_each_passage() -> None:
    text = "One two three. " * 200
    pages = (Page(number=1, start=0, end=1500), Page(number=2, start=1500, end=len(text)))
    found = chunk(text, pages, count_tokens=count_words, paged=False)
    assert [c.page for c in found] == [1 if c.start < 1500 else 2 for c in found]


def test_a_short_page_is_one_passage() -> None:
    text = "Only this."
    assert chunk(text, one_page(text), count_tokens=count_words) == [Chunk(start=0, end=10, page=1)]


def test_a_sentence_longer_than_the_limit_is_cut_between_words() -> None:
    text = "word, " * 1000
    for passage in passages(text):
        assert count_words(passage) <= 240
        assert set(passage.replace(",", "").split()) == {"word"}


def test_a_new_sentence_moves_only_the_passages_near_it() -> None:
    moved = []
    for seed in range(10):
        sentences = contract(900, seed)
        before = set(passages("".join(sentences)))
        assert len(before) >= 60
        added = " ".join(["new"] * 60) + ". "
        changed = [*sentences[:40], added, *sentences[40:]]
        moved.append(sum(passage not in before for passage in passages("".join(changed))))
    assert max(moved) <= 10
