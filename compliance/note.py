"""Sign checkpoints as a log, cosign them as a witness: C2SP signed-note and tlog-cosignature.

Checking signatures is in compliance/verify.py, which needs no library.
"""

import base64
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.verify import COSIGNED, SIGNED, Key, NotValid, key_id, read_body, read_vkey

_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningKey:
    """A private key and the name it signs under. `kind` is SIGNED (a log) or COSIGNED."""

    name: str
    kind: int
    private: Ed25519PrivateKey

    @classmethod
    def new(cls, name: str, *, kind: int = SIGNED) -> Self:
        """Make a key. Raises NotValid for a name with spaces or a plus sign."""
        key = cls(name=name, kind=kind, private=Ed25519PrivateKey.generate())
        read_vkey(key.vkey)
        return key

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `write` wrote. Raises NotValid."""
        words = text.strip().removeprefix(_PRIVATE).split("+", 2)
        if not text.startswith(_PRIVATE) or len(words) != 3:
            raise NotValid("This is not a private key of the form PRIVATE+KEY+name+id+key.")
        try:
            material = base64.b64decode(words[2], validate=True)
            private = Ed25519PrivateKey.from_private_bytes(material[1:])
        except ValueError as error:
            raise NotValid("The private key is not in base64, or not of 32 bytes.") from error
        key = cls(name=words[0], kind=material[0], private=private)
        if read_vkey(key.vkey).key_id.hex() != words[1]:
            raise NotValid("The id of the private key does not belong to it.")
        return key

    def write(self) -> str:
        """The private key as one line, as Go's sumdb/note writes it. Keep it secret."""
        material = bytes([self.kind]) + self.private.private_bytes_raw()
        return f"{_PRIVATE}{self.name}+{self.key_id.hex()}+{base64.b64encode(material).decode()}"

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """The verifier key: what others need to check this key's signatures."""
        key = Key(name=self.name, key_id=self.key_id, kind=self.kind, public=self.public)
        return key.vkey


def checkpoint_text(*, origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint, to be signed. Raises NotValid when it would not read back."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    read_body(body)
    return body


def sign(text: str, key: SigningKey) -> str:
    """The whole signed note: the text, an empty line, the log's signature."""
    if key.kind != SIGNED or not text.endswith("\n"):
        raise ValueError("A log's key signs a text that ends with a line's end.")
    return f"{text}\n{_line(key, key.private.sign(text.encode()))}"


def cosign(text: str, key: SigningKey, *, time: int) -> str:
    """A witness's line over a checkpoint's text; `time` in seconds since 1970."""
    if key.kind != COSIGNED or not 0 <= time < 2**63:
        raise ValueError("A witness's key signs a checkpoint and a time.")
    read_body(text)
    signature = key.private.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    return _line(key, time.to_bytes(8, "big") + signature)


def with_lines(note: str, lines: list[str]) -> str:
    """A note with more signature lines, each once."""
    return note + "".join(line for line in dict.fromkeys(lines) if line not in note)


def _line(key: SigningKey, signature: bytes) -> str:
    return f"— {key.name} {base64.b64encode(key.key_id + signature).decode()}\n"
