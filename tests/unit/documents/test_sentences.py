"""Where sentences begin and end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.documents.sentences import LONGEST, split


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "This was held in Roe v. Wade, 410 U.S. 113.",
        "The plaintiff, Acme Inc., paid $3.5 million to Dr. J. R. Smith.",
        "See Sec. 2.1 for details, e.g. this one.",
        "2.1 The term is five years.",
        "She takes 2.5 mg of No. 5 daily.",
    ],
)
def test_it_keeps_abbreviations_and_numbers_inside_a_sentence(sentence: str) -> None:
    assert sentences(f"{sentence} Then it ends.") == [sentence, "Then it ends."]


def test_it_keeps_a_sentence_whole_over_a_single_line_end() -> None:
    assert sentences("Either party may\nterminate. The other\nmay not.") == [
        "Either party may\nterminate.",
        "The other\nmay not.",
    ]


def test_it_ends_a_heading_at_a_blank_line() -> None:
    assert sentences("Term and end\n\nThe term is long.") == ["Term and end", "The term is long."]


def test_it_parts_list_items_and_table_rows() -> None:
    text = "The parties:\n- the buyer\n- the seller\nName: Ann | Age: 3\nName: Bob | Age: 4"
    assert sentences(text)[1:] == [
        "- the buyer",
        "- the seller",
        "Name: Ann | Age: 3",
        "Name: Bob | Age: 4",
    ]


def test_it_ends_sentences_of_scripts_without_spaces() -> None:
    assert sentences("这是一句。这是第二句！") == ["这是一句。", "这是第二句！"]


def test_it_cuts_a_sentence_that_never_ends() -> None:
    spans = split("and so on; " * 300)
    assert len(spans) > 5
    assert all(span.end - span.start <= LONGEST for span in spans)


@given(st.text(alphabet=st.sampled_from("aB1 .,;:!?\n\t|()-'\"。é"), max_size=400))
def test_its_sentences_are_in_order_and_hold_everything_but_space(text: str) -> None:
    spans = split(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    joined = "".join(text[span.start : span.end] for span in spans)
    assert "".join(joined.split()) == "".join(text.split())
