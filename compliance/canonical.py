"""One spelling for each value: JSON canonicalization (RFC 8785) for what an event may hold.

Allowed are None, booleans, integers a double can hold exactly, strings, lists, and dictionaries
with string keys. Fractions are refused: their canonical form needs the number formatting of
ECMAScript, and no event needs one.
"""

import json
from collections.abc import Mapping, Sequence
from typing import cast

Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]

LARGEST_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader takes exactly (RFC 8785 section 3.2.2.3, I-JSON)."""


class NotCanonical(ValueError):
    """The value has no canonical form here, or the bytes are not in it."""


def encode(value: Value) -> bytes:
    """Write a value in its one canonical spelling, as UTF-8.

    Raises NotCanonical for a fraction, an integer beyond 2^53 - 1, a key that is not a string,
    a lone surrogate, or any other kind of value.
    """
    ordered = _ordered(value)
    # Python escapes as section 3.2.2.2 wants it: the short forms for b, t, n, f, r, quote and
    # backslash, lower-case \u00xx for other controls, everything else as it is.
    text = json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("A string holds half of a surrogate pair.") from error


def decode(data: bytes) -> Value:
    """Read bytes that `encode` wrote.

    Raises NotCanonical when the bytes are JSON in any other spelling, or not JSON.
    """
    try:
        value = cast(Value, json.loads(data.decode()))
    except (ValueError, RecursionError) as error:
        raise NotCanonical("These bytes are not JSON in UTF-8.") from error
    if encode(value) != data:
        raise NotCanonical("These bytes are JSON, but not in the canonical spelling.")
    return value


def _ordered(value: Value) -> Value:
    """The same value with its keys in canonical order, refusing what has no canonical form."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise NotCanonical(f"{value} is beyond 2^53 - 1. Write it as a string.")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotCanonical("A key is not a string.")
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf_16)}
    if isinstance(value, list | tuple):
        return [_ordered(part) for part in value]
    raise NotCanonical(f"A {type(value).__name__} has no canonical form here.")


def _utf_16(key: str) -> bytes:
    # Section 3.2.3 orders keys by UTF-16 code units, which is not the order of code points:
    # characters beyond U+FFFF come before U+E000.
    return key.encode("utf-16-be", "surrogatepass")
