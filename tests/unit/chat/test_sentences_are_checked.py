"""What counts as supported by the evidence, and what does not."""

import pytest

from assistant.chat.ground import Grounds, Support, numbers_in

LEASE = (
    "The monthly rent is 4,250 euros and is due on the third working day. "
    "The tenant may not keep bees in the yard."
)
NOTE = (
    "Hydrochlorothiazide is lowered from 25 mg to 12.5 mg. Paracetamol 1 g three times a day. "
    "Bridging with heparin is left to the ward."
)


@pytest.fixture
def grounds() -> Grounds:
    return Grounds([(1, LEASE), (2, NOTE)])


def support(grounds: Grounds, sentence: str) -> Support:
    return grounds.check(sentence).support


def test_a_sentence_in_the_document_s_words_is_supported(grounds: Grounds) -> None:
    checked = grounds.check("The monthly rent is 4,250 euros.")
    assert checked.support is Support.SUPPORTED
    (source,) = checked.sources
    assert LEASE[source.start : source.end] == source.text


def test_a_number_in_another_spelling_is_the_same(grounds: Grounds) -> None:
    assert support(grounds, "The monthly rent is 4250.00 euros.") is Support.SUPPORTED


def test_a_wrong_number_is_named(grounds: Grounds) -> None:
    checked = grounds.check("The monthly rent is 4,750 euros.")
    assert (checked.support, checked.numbers_missing) == (Support.UNSUPPORTED, ("4750",))


def test_a_number_of_another_source_does_not_count(grounds: Grounds) -> None:
    sentence = "The monthly rent is 25 euros and is due on the third working day."
    assert support(grounds, sentence) is Support.UNSUPPORTED


def test_a_foreign_word_beside_a_number_does_not_count(grounds: Grounds) -> None:
    known = "Hydrochlorothiazide is lowered to 12.5 mg."
    foreign = "Hydrochlorothiazide is lowered, and 12.5 mg of heparin."
    assert support(grounds, known) is Support.SUPPORTED
    assert support(grounds, foreign) is Support.UNSUPPORTED


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Before high bleeding risk apixaban is paused for 48 hours.", Support.SUPPORTED),
        ("Before high bleeding risk apixaban is paused for 24 hours.", Support.UNSUPPORTED),
        ("Before low bleeding risk apixaban is paused for 24 hours.", Support.SUPPORTED),
        (
            "Apixaban is paused for 24 hours with low and for 48 hours with high bleeding risk.",
            Support.SUPPORTED,
        ),
    ],
)
def test_a_number_keeps_to_its_own_clause(sentence: str, expected: Support) -> None:
    grounds = Grounds(
        [
            (
                1,
                "Before a procedure with low bleeding risk, apixaban is paused for 24 hours; "
                "before one with high bleeding risk, for 48 hours.",
            )
        ]
    )
    assert support(grounds, sentence) is expected


@pytest.mark.parametrize(
    "sentence", ["The tenant may keep bees in the yard.", "The monthly rent is not 4,250 euros."]
)
def test_a_denial_is_not_supported_by_what_it_denies(grounds: Grounds, sentence: str) -> None:
    assert support(grounds, sentence) is Support.UNSUPPORTED


def test_two_sentences_can_support_one_together(grounds: Grounds) -> None:
    both = "Rent is due on the third working day, and paracetamol 1 g three times a day."
    assert {source.rank for source in grounds.check(both).sources} == {1, 2}


def test_a_denial_is_seen_beside_two_sources_too(grounds: Grounds) -> None:
    both = "Rent is due on the third working day, and paracetamol 1 g not three times a day."
    assert support(grounds, both) is Support.UNSUPPORTED


def test_without_evidence_nothing_is_supported() -> None:
    assert support(Grounds(()), "The monthly rent is 4,250 euros.") is Support.UNSUPPORTED


def test_the_sentence_nearest_to_a_question_is_quoted(grounds: Grounds) -> None:
    assert "4,250" in grounds.quotations("How much is the monthly rent?")[0].text
    assert grounds.quotations("zebra") == []


def test_coverage_is_the_share_of_the_question_that_the_evidence_holds(grounds: Grounds) -> None:
    assert grounds.coverage("monthly rent") == 1.0
    assert grounds.coverage("zebra stripes") == 0.0


def test_numbers_are_read_without_separators_and_marks() -> None:
    assert numbers_in("4,250 and 12.50 [3] and Q4") == ["4250", "12.5"]
