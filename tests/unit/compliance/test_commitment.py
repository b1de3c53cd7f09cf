"""A commitment tells nothing until it is opened."""

from compliance.commitment import commitment, opens


def test_it_opens_with_its_text_and_with_no_other() -> None:
    kept = commitment("What is the notice period?")
    assert opens(kept, "What is the notice period?")
    assert not opens(kept, "What is the notice period")


def test_the_same_text_gives_another_digest_each_time() -> None:
    assert commitment("yes").digest != commitment("yes").digest
