"""Commit to a text without keeping it: a digest for the record, a nonce to open it with."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from compliance.shape import Digest

NONCE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A digest for the record. The caller keeps the nonce beside the text it commits to."""

    nonce: bytes
    digest: Digest


def commitment(text: str) -> Commitment:
    """Commit to a text. Erasing text and nonce leaves a digest that says nothing.

    The digest is SHA-256 over 32 random bytes followed by the text in UTF-8. The nonce keeps
    short and guessable texts from being found by trying.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Commitment(nonce=nonce, digest=_digest(nonce, text))


def opens(kept: Commitment, text: str) -> bool:
    """Tell whether this is the text that was committed to."""
    return hmac.compare_digest(kept.digest, _digest(kept.nonce, text))


def _digest(nonce: bytes, text: str) -> Digest:
    return Digest(hashlib.sha256(nonce + text.encode()).hexdigest())
