"""The text that is stored, and the way back to where it came from."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from assistant.documents.parse.clean import Traced, clean, clean_text


def test_it_removes_what_nobody_can_see_and_counts_it() -> None:
    hidden = "\U000e0041\U000e0042\u200b\u202e"
    assert clean_text(f"pay{hidden} now") == ("pay now", 4)


def test_it_keeps_the_joiners_that_persian_needs() -> None:
    assert clean_text("می\u200cخواهم") == ("می\u200cخواهم", 0)


def test_it_makes_one_kind_of_line_end_and_of_space() -> None:
    assert clean_text("a\r\nb\rc\u2028d\xa0e  \n\n\n\nf") == ("a\nb\nc\nd e\n\nf", 0)


def test_it_composes_letters_and_opens_ligatures() -> None:
    assert clean_text("cafe\u0301 e\ufb03cient \u1112\u1161\u11ab")[0] == "café efficient 한"


def test_it_can_say_where_a_character_came_from() -> None:
    traced = Traced("\u200bcafe\u0301\r\n\r\n\r\nnext")
    clean(traced)
    assert traced.text == "café\n\nnext"
    assert [traced.origin(place) for place in (0, 3, 6)] == [1, 4, 12]


@given(st.text())
def test_every_plain_letter_leads_back_to_itself(raw: str) -> None:
    traced = Traced(raw)
    clean(traced)
    assert unicodedata.is_normalized("NFC", traced.text)
    for place, char in enumerate(traced.text):
        if char.isascii() and char.isdigit():
            assert raw[traced.origin(place)] == char
