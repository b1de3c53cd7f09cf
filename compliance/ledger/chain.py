"""A chain through what one writer has recorded, from its first event to its last.

A writer is one connection to the database; it does one thing at a time, so its chain needs no lock.
Each header names its writer and counts (`writer`, `seq`). Beside the header stands a MAC over it
and over the MAC before, under a key that is hashed onwards with every event and thereby forgotten.
The first key goes to the signer in the writer's first header, sealed: who takes over the
application later cannot read it, and who has the database alone can neither read it nor open a
chain of their own, since that needs a secret of the application's.

An event that was removed, altered or slipped in before it was numbered is missing or wrong in here.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NOTHING_BEFORE = b"\x00" * 32
# A sealing key serves once, for one message: its nonce may be a constant.
_NONCE = b"\x00" * 12
_PURPOSE = b"cloister writer chain 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """How far a writer has come: its last count and MAC, and the key of the next event."""

    writer: UUID
    seq: int
    key: bytes
    mac: bytes = _NOTHING_BEFORE

    def mac_of(self, header: bytes) -> bytes:
        """The MAC of this writer's next event."""
        return hmac.digest(self.key, header + self.mac, "sha256")

    def after(self, mac: bytes) -> "Tip":
        """The tip once the next event is written. This one's key cannot be found from it."""
        return Tip(
            writer=self.writer,
            seq=self.seq + 1,
            key=hashlib.sha256(b"onwards" + self.key).digest(),
            mac=mac,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrow:
    """To whom first keys go: the signer's public key (X25519), and the application's secret."""

    signer: bytes
    secret: bytes


def begin() -> Tip:
    """A new writer that has written nothing."""
    return Tip(writer=uuid4(), seq=0, key=secrets.token_bytes(KEY_BYTES))


def members(tip: Tip, escrow: Escrow | None) -> dict[str, str | int]:
    """What the header of the writer's next event says of the chain."""
    said: dict[str, str | int] = {"writer": str(tip.writer), "seq": tip.seq + 1}
    if tip.seq == 0 and escrow is not None:
        said["escrow"] = seal(tip, escrow)
    return said


def seal(tip: Tip, escrow: Escrow) -> str:
    """The writer's first key, for the signer alone."""
    once = X25519PrivateKey.generate()
    public = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(escrow.signer))
    key = _sealing_key(shared, escrow.secret, public + escrow.signer)
    return b64encode(public + AESGCM(key).encrypt(_NONCE, tip.key, tip.writer.bytes)).decode()


def unseal(writer: UUID, sealed: str, *, signer: X25519PrivateKey, secret: bytes) -> Tip:
    """The new writer whose first key was sealed. Raises ValueError when it was not ours to open."""
    raw = b64decode(sealed, validate=True)
    public, locked = raw[:32], raw[32:]
    shared = signer.exchange(X25519PublicKey.from_public_bytes(public))
    key = _sealing_key(shared, secret, public + signer.public_key().public_bytes_raw())
    try:
        first = AESGCM(key).decrypt(_NONCE, locked, writer.bytes)
    except InvalidTag as error:
        raise ValueError("the writer's key was not sealed by the application") from error
    return Tip(writer=writer, seq=0, key=first)


def _sealing_key(shared: bytes, secret: bytes, keys: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=secret, info=_PURPOSE + keys).derive(shared)
