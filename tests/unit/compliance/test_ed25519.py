"""The verifier's own Ed25519 says what the library says, and is stricter where that is safer."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.verify import verify_ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
KNOWN = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
# Points of order 1, 2, 4 and 8, and encodings of them that are not canonical.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
]


@pytest.mark.parametrize(("key", "message", "signature"), KNOWN)
def test_it_accepts_the_signatures_of_the_standard(key: str, message: str, signature: str) -> None:
    assert verify_ed25519(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 95 * 8 + 7))
def test_it_agrees_with_the_library(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    signature = private.sign(message)
    assert verify_ed25519(public, message, signature)
    assert not verify_ed25519(public, message + b"x", signature)
    both = bytearray(public + signature)
    both[bit // 8] ^= 1 << bit % 8
    key, changed = bytes(both[:32]), bytes(both[32:])
    assert verify_ed25519(key, message, changed) == _library_says(key, message, changed)


def _library_says(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_it_refuses_a_signature_in_a_second_spelling() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"text")
    s = int.from_bytes(signature[32:], "little")
    again = signature[:32] + (s + ORDER).to_bytes(32, "little")
    assert verify_ed25519(public, b"text", signature)
    assert not verify_ed25519(public, b"text", again)


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_it_refuses_a_key_that_fits_many_signatures(key: str) -> None:
    public = bytes.fromhex(key)
    # With S = 0 and R the neutral point, such a key accepts one message in eight, or all.
    forged = bytes.fromhex(SMALL_ORDER[0]) + bytes(32)
    assert not any(verify_ed25519(public, b"%d" % number, forged) for number in range(32))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_it_refuses_what_is_no_key(length: int) -> None:
    assert not verify_ed25519(bytes(length), b"text", bytes(64))
    assert not verify_ed25519(b"\x02" * 32, b"text", bytes(length * 2))
