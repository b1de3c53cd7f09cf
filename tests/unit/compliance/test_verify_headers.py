"""The quick way to read headers says what the slow one says, for headers of every kind."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import canonical, verify
from compliance.verify import Headers, NotValid, read_header
from tests.exported import header

words = st.text(st.characters(codec="ascii"), max_size=8) | st.sampled_from(
    ["a", "ü", "😀", '"', "\\"]
)
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | words
keys = st.sampled_from(["a", "b", "c", "seq", "time", "type", "x y", "ü", "\ue000", "😀"])
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_the_verifier_spells_as_the_record_does(value: Any) -> None:
    assert verify.canonical(value) == canonical.encode(value)


@pytest.mark.parametrize("value", [1.5, 2**53, {"a": [float("nan")]}, "\ud800"])
def test_what_has_no_spelling_there_has_none_here(value: Any) -> None:
    for spell in (verify.canonical, canonical.encode):
        with pytest.raises(ValueError, match=r"fraction|2\^53|float|surrogate"):
            spell(value)


def slow(data: bytes) -> list[bytes] | None:
    """What the slow way reads; None when it refuses."""
    try:
        value = read_header(data)
    except NotValid:
        return None
    names = ("content", "id", "seq", "time", "writer")
    return [str(value.get(name, "")).encode() for name in names]


def quick(reader: Headers, data: bytes) -> list[bytes] | None:
    try:
        return list(reader.read(data))
    except NotValid:
        return None


@settings(max_examples=120)
@given(st.lists(st.dictionaries(keys, values, max_size=3), min_size=2, max_size=6), st.data())
def test_quick_and_slow_agree(fields: list[dict[str, Any]], data: st.DataObject) -> None:
    reader = Headers()
    for index, each in enumerate(fields):
        good = header(index, fields=each)
        for candidate in (good, _changed(good, data), good):
            assert quick(reader, candidate) == slow(candidate)


def _changed(good: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.integers(0, len(good) - 1))
    put = data.draw(
        st.sampled_from([b"", b" ", b"0", b"-", b"1", b'"', b"\\u0061", b"{", b",", b"e"])
    )
    cut = data.draw(st.integers(0, 2))
    return good[:at] + put + good[at + cut :]


def test_an_event_is_read_quickly_after_the_first_of_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Headers()
    parsed = []

    def read_slowly(data: bytes) -> Any:
        parsed.append(data)
        return Headers._read_slowly(reader, data)

    monkeypatch.setattr(reader, "_read_slowly", read_slowly)
    for index in range(60):
        reader.read(header(index))
    assert len(parsed) == 3


def test_a_day_that_is_not_in_the_calendar_is_refused_quickly_too() -> None:
    reader = Headers()
    reader.read(header(0))
    for day in ("2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01"):
        with pytest.raises(NotValid, match="calendar"):
            reader.read(header(3, time=f"{day}T08:00:00.000000Z"))


def test_deep_and_wide_headers_cost_no_more_than_their_length() -> None:
    reader = Headers()
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    wide = {f"name_{number}": number for number in range(2_000)}
    begun = time.process_time()
    for index in range(40):
        reader.read(header(index, fields={"deep": deep}))
        reader.read(header(index, fields={f"name_{index}": wide}))
    assert time.process_time() - begun < 2
    assert not reader._shapes


def test_strange_shapes_do_not_fill_the_memory() -> None:
    reader = Headers()
    for index in range(3_000):
        reader.read(header(index, fields={f"name_{index}": index}))
    assert len(reader._shapes) <= 16 * 3
    with pytest.raises(NotValid):
        reader.read(json.dumps({"v": 1}).encode())
