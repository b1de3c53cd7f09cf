"""Values have one spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-canonical.LARGEST_INTEGER, canonical.LARGEST_INTEGER)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: canonical.Value) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(st.dictionaries(TEXT, INTEGERS))
def test_keys_stand_in_the_order_of_utf_16_code_units(value: dict[str, int]) -> None:
    written = list(json.loads(canonical.encode(value)))
    assert written == sorted(value, key=lambda key: key.encode("utf-16-be"))


@given(st.dictionaries(TEXT, INTEGERS, min_size=2))
def test_the_order_in_which_keys_were_given_does_not_matter(value: dict[str, int]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical.encode(value) == canonical.encode(backwards)


def test_a_key_beyond_the_basic_plane_comes_before_a_private_one() -> None:
    # The order of code points would be the other way round: the case that RFC 8785 warns of.
    assert canonical.encode({"\ue000": 1, "\U0001f600": 2}) == '{"😀":2,"\ue000":1}'.encode()


def test_it_escapes_as_the_standard_does() -> None:
    written = canonical.encode('\u20ac$\x0f\nA\'B"\\"/\x7f\u2028')
    assert written == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\"/\x7f\xe2\x80\xa8"'


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), 2**53, -(2**53), {1: "x"}, {"a": {2}}, b"x", "\ud800", {"\udc00": 1}],
)
def test_it_refuses_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(value)  # type: ignore[arg-type]  # refused at run time too


@pytest.mark.parametrize(
    "data",
    [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b'"\\u0041"', b"NaN", b"\xff", b"["],
)
def test_it_refuses_another_spelling(data: bytes) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(data)
