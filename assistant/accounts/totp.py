"""Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds.

These are the parameters every app knows; several ignore any others that a QR code names.
"""

import base64
import hmac
from urllib.parse import quote, urlencode

SECRET_BYTES = 20
STEP_SECONDS = 30
DIGITS = 6
DRIFT = 1
"""How many steps the two clocks may be apart."""


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(seconds: float) -> int:
    """The time step of a moment, in seconds since 1970."""
    return int(seconds // STEP_SECONDS)


def matching_step(secret: bytes, code: str, *, seconds: float, after: int = 0) -> int | None:
    """The time step whose code this is, near now and newer than the step `after`; else None."""
    now = step_at(seconds)
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        # Every step is compared, so that the time taken does not tell which one it was.
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def spelled(secret: bytes) -> str:
    """The secret as people type it into an app (base 32)."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, *, username: str, issuer: str) -> str:
    """What a QR code tells an app."""
    label = quote(f"{issuer}:{username}", safe="")
    words = {"secret": spelled(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(words, quote_via=quote)}"


def unspelled(text: str) -> bytes:
    """The secret of its spelling."""
    return base64.b32decode(text + "=" * (-len(text) % 8))
