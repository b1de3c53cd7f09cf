"""Codes of authenticator apps are those of RFC 6238, and each is taken once."""

import pytest

from assistant.accounts import totp

SECRET = b"12345678901234567890"
# RFC 6238, appendix B, SHA-1: seconds since 1970, and the code of eight digits.
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_it_is_the_code_of_the_standard(seconds: int, code: str) -> None:
    assert totp.code_at(SECRET, totp.step_at(seconds), digits=8) == code
    assert totp.code_at(SECRET, totp.step_at(seconds)) == code[2:]


@pytest.mark.parametrize(
    ("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clocks_may_be_one_step_apart_and_no_more(drift: int, taken: bool) -> None:
    step = totp.step_at(1234567890)
    code = totp.code_at(SECRET, step + drift)
    found = totp.matching_step(SECRET, code, seconds=1234567890)
    assert found == (step + drift if taken else None)


def test_a_code_is_not_taken_again_nor_one_before_it() -> None:
    step = totp.step_at(1234567890)
    for earlier in (step - 1, step):
        code = totp.code_at(SECRET, earlier)
        assert totp.matching_step(SECRET, code, seconds=1234567890, after=step) is None


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "٠٠٠٠٠٠", "1234567"])
def test_what_is_no_code_matches_nothing(typed: str) -> None:
    assert totp.matching_step(SECRET, typed, seconds=1234567890) is None


def test_an_app_is_told_the_secret_and_whose_it_is() -> None:
    assert totp.unspelled(totp.spelled(SECRET)) == SECRET
    address = totp.address(SECRET, username="bo lind", issuer="Cloister")
    assert address.startswith("otpauth://totp/Cloister%3Abo%20lind?secret=GEZDGNBVGY3TQOJQ")
    assert "issuer=Cloister" in address
