"""Sealed texts open with their key, under their event, unchanged, and in no other way."""

import hashlib
import os
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.sealed import KEY_BYTES, NotGenuine, Part, open_sealed, parts_of, seal
from compliance.shape import NotAnEvent

TEXTS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True), st.text(), min_size=1, max_size=12
)


@given(TEXTS)
def test_what_is_sealed_opens_again(texts: dict[str, str]) -> None:
    event_id, key = uuid4(), os.urandom(KEY_BYTES)
    texts = {name: text.encode(errors="replace").decode() for name, text in texts.items()}
    sealed = seal(event_id, texts, key)
    assert open_sealed(event_id, sealed.data, key) == texts
    assert sealed.sha256 == hashlib.sha256(sealed.data).hexdigest()


def test_names_and_sizes_are_told_without_a_key_and_nothing_else() -> None:
    sealed = seal(uuid4(), {"question": "naïve", "title": ""}, os.urandom(KEY_BYTES))
    assert parts_of(sealed.data) == (Part("question", 6), Part("title", 0))
    assert "naïve".encode() not in sealed.data


def test_it_opens_under_no_other_event_and_with_no_other_key() -> None:
    event_id, key = uuid4(), os.urandom(KEY_BYTES)
    sealed = seal(event_id, {"question": "Why?"}, key)
    for event, tried in ((uuid4(), key), (event_id, os.urandom(KEY_BYTES))):
        with pytest.raises(NotGenuine):
            open_sealed(event, sealed.data, tried)


def test_no_byte_can_be_changed_added_or_taken_away() -> None:
    event_id, key = uuid4(), os.urandom(KEY_BYTES)
    data = seal(event_id, {"question": "Why?", "title": "A lease"}, key).data
    changed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]
    for other in [*changed, data[:-1], data + b"\0", b"", data[:10]]:
        with pytest.raises(NotGenuine):
            open_sealed(event_id, other, key)


def test_the_same_text_twice_looks_like_two() -> None:
    event_id = uuid4()
    first, second = (seal(event_id, {"a": "yes"}, os.urandom(KEY_BYTES)) for _ in range(2))
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(
    "texts", [{}, {"Q": "x"}, {"a b": "x"}, {"a" * 41: "x"}, {"a": "x" * 4_000_001}]
)
def test_an_event_s_parts_are_named_by_words_and_bounded(texts: dict[str, str]) -> None:
    with pytest.raises(NotAnEvent):
        seal(uuid4(), texts, os.urandom(KEY_BYTES))
