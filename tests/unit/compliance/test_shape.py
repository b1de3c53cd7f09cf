"""Events hold references, digests, counts and words, and nobody's text."""

from uuid import UUID, uuid4

import pytest

from compliance.events import (
    CommandRun,
    Digest,
    DocumentRejected,
    EvidenceShown,
    PassageShown,
    RolesChanged,
)
from compliance.shape import NotAnEvent


@pytest.mark.parametrize(
    "text",
    ["Carla Reyes", "carla@example.org", "naïve", "10.0.0.7", "10.0.0.7:443", "fe80::1:2:3", ""],
)
def test_a_field_refuses_text_names_and_addresses(text: str) -> None:
    with pytest.raises(NotAnEvent):
        DocumentRejected(reason=text).recorded_fields()


@pytest.mark.parametrize("word", ["too_large", "HuggingFaceTB/SmolLM2-135M", "v1.2+cpu", "a:b"])
def test_a_field_takes_words(word: str) -> None:
    assert DocumentRejected(reason=word).recorded_fields()["reason"] == word


def test_the_refusal_does_not_repeat_the_text() -> None:
    with pytest.raises(NotAnEvent) as refusal:
        CommandRun(command="delete Carla Reyes").recorded_fields()
    assert "Carla" not in str(refusal.value)


@pytest.mark.parametrize("digits", ["", "abc", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n"])
def test_a_digest_is_64_hexadecimal_digits(digits: str) -> None:
    with pytest.raises(NotAnEvent):
        Digest(digits)


def test_a_fraction_is_refused() -> None:
    with pytest.raises(NotAnEvent):
        CommandRun(command=0.5).recorded_fields()  # type: ignore[arg-type]  # refused at run time


def test_parts_and_lists_become_plain_values() -> None:
    document = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
    shown = PassageShown(passage=7, document=document, version=2, sha256=Digest("a" * 64))
    assert EvidenceShown(object=uuid4(), passages=(shown,)).recorded_fields()["passages"] == [
        {"passage": 7, "document": str(document), "version": 2, "sha256": "a" * 64}
    ]
    assert RolesChanged(added=("staff",)).recorded_fields() == {"added": ["staff"], "removed": []}
