"""Texts of an event as ciphertext: named parts under a key of their own, bound to the event.

The bytes, of which the event's header holds the SHA-256:

    1 byte     scheme, 1
    12 bytes   nonce, random
    2 bytes    length of the directory, big-endian
    ...        directory: [[name, size in bytes], ...] as canonical JSON, in clear
    ...        AES-256-GCM of the parts one after the other in UTF-8, and its tag of 16 bytes

The additional data are the event's id and everything before the ciphertext, so that no directory
and no ciphertext can be put under another event. A key seals once and is never used again.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.shape import ComplianceError, NotAnEvent

SCHEME = 1
KEY_BYTES = 32
MOST_PARTS = 100
MOST_BYTES = 4_000_000
_NONCE_BYTES = 12
_DIRECTORY_AT = 1 + _NONCE_BYTES + 2
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class NotGenuine(ComplianceError):
    """The ciphertext is not what was sealed for this event with this key."""


class Part(NamedTuple):
    """One text of an event: what it is called, and its size in bytes of UTF-8."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """The bytes to be kept, and their SHA-256 in hex for the header."""

    data: bytes
    sha256: str


def seal(event_id: UUID, content: Mapping[str, str], key: bytes) -> Sealed:
    """Encrypt the parts for an event. The key must be fresh.

    Raises NotAnEvent for a name that is no word, no part at all, or too much.
    """
    texts = {name: text.encode(errors="replace") for name, text in content.items()}
    sizes = [[name, len(text)] for name, text in texts.items()]
    if not 0 < len(sizes) <= MOST_PARTS or sum(map(len, texts.values())) > MOST_BYTES:
        raise NotAnEvent(f"An event has 1 to {MOST_PARTS} parts of {MOST_BYTES:,} bytes in all.")
    if not all(map(_NAME.fullmatch, texts)):
        raise NotAnEvent("A part is called by one word of lower-case letters, digits and _.")
    directory = json.dumps(sizes, separators=(",", ":")).encode()
    nonce = os.urandom(_NONCE_BYTES)
    head = b"%c%b%b%b" % (SCHEME, nonce, len(directory).to_bytes(2, "big"), directory)
    data = head + AESGCM(key).encrypt(nonce, b"".join(texts.values()), event_id.bytes + head)
    return Sealed(data=data, sha256=hashlib.sha256(data).hexdigest())


def parts_of(data: bytes) -> tuple[Part, ...]:
    """What is sealed, without a key. Raises NotGenuine when the bytes are not in this form."""
    head, directory = _split(data)
    del head
    return directory


def open_sealed(event_id: UUID, data: bytes, key: bytes) -> dict[str, str]:
    """The parts again. Raises NotGenuine for another event, another key or changed bytes."""
    head, directory = _split(data)
    try:
        joined = AESGCM(key).decrypt(
            head[1 : 1 + _NONCE_BYTES], data[len(head) :], event_id.bytes + head
        )
    except InvalidTag as error:
        raise NotGenuine("The ciphertext of this event cannot be opened with its key.") from error
    found, at = {}, 0
    for part in directory:
        found[part.name] = joined[at : at + part.size].decode()
        at += part.size
    return found


def _split(data: bytes) -> tuple[bytes, tuple[Part, ...]]:
    """What stands before the ciphertext, and the directory in it."""
    end = _DIRECTORY_AT + int.from_bytes(data[_DIRECTORY_AT - 2 : _DIRECTORY_AT], "big")
    if data[:1] != bytes([SCHEME]) or len(data) < end:
        raise NotGenuine("These bytes are not content of an event in a form this version knows.")
    try:
        listed: Sequence[tuple[str, int]] = json.loads(data[_DIRECTORY_AT:end])
        return data[:end], tuple(Part(str(name), int(size)) for name, size in listed)
    except (ValueError, TypeError) as error:
        raise NotGenuine("The list of parts of this content cannot be read.") from error
