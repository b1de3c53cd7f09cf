"""The signer's keys, and what of them is public.

`signer/log.key` signs heads (Ed25519), `signer/writers.key` opens what writers seal (X25519).
`ledger/public.json` holds the log's name and the public halves, for whoever verifies or writes.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compliance.ledger.chain import Escrow
from compliance.ledger.errors import CannotRun
from compliance.ledger.place import Place, made_once, replace
from compliance.note import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerKeys:
    """What the signer alone holds. `made_at`: every event since then belongs to a chain."""

    log: SigningKey
    writers: X25519PrivateKey
    secret: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeys:
    """What everybody may know: the log's name and key (C2SP vkey), and the writers' public key."""

    origin: str
    vkey: str
    writers: bytes
    earlier: tuple[str, ...] = ()
    """Keys of logs that ended before this one began, the last one first."""


def make(place: Place) -> None:
    """Make the keys of a new installation, and publish their public halves. Safe to repeat."""
    place.signer.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.public.mkdir(parents=True, exist_ok=True, mode=0o755)
    made_once(place.signer / "log.key", SigningKey.new(f"cloister/{uuid4()}").write().encode())
    made_once(place.signer / "writers.key")
    made_once(place.signer / "made_at", datetime.now(UTC).isoformat().encode())
    made_once(place.writer_secret, token_hex(32).encode())
    keys = read(place)
    earlier = [
        SigningKey.read(file.read_text()).vkey
        for file in sorted(place.signer.glob("log-*.key"), reverse=True)
    ]
    public = {
        "origin": keys.log.name,
        "vkey": keys.log.vkey,
        "earlier": earlier,
        "writers": b64encode(keys.writers.public_key().public_bytes_raw()).decode(),
    }
    data = json.dumps(public, indent=1).encode() + b"\n"
    path = place.public / "public.json"
    if not path.exists() or path.read_bytes() != data:
        replace(path, data)


def begin_anew(place: Place) -> None:
    """End this log and begin another one with a new name and key, over the events that are there.

    For the day on which an older database had to be restored: the signer refuses it for ever, and
    rightly so. Witnesses do not know the new log until somebody tells them to trust it.
    """
    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    (place.signer / "log.key").rename(place.signer / f"log-{moment}.key")
    memory = place.signer / "memory.sqlite"
    if memory.exists():
        memory.rename(place.signer / f"memory-{moment}.sqlite")
    for file in (place.verified, place.head):
        file.unlink(missing_ok=True)
    make(place)


def read(place: Place) -> SignerKeys:
    """The signer's keys. Raises CannotRun when they are missing or not for this account."""
    try:
        return SignerKeys(
            log=SigningKey.read((place.signer / "log.key").read_text()),
            writers=X25519PrivateKey.from_private_bytes(
                (place.signer / "writers.key").read_bytes()
            ),
            secret=place.writer_secret.read_bytes(),
            made_at=datetime.fromisoformat((place.signer / "made_at").read_text()),
        )
    except (OSError, ValueError) as error:
        raise CannotRun(
            f"The signer's keys in {place.signer} cannot be read ({type(error).__name__}). "
            "`manage.py signer --make-keys` makes those of a new installation."
        ) from error


def read_public(place: Place) -> PublicKeys | None:
    """The public halves; None when no signer was set up."""
    try:
        said = json.loads((place.public / "public.json").read_bytes())
        return PublicKeys(
            origin=said["origin"],
            vkey=said["vkey"],
            writers=b64decode(said["writers"]),
            earlier=tuple(said.get("earlier", ())),
        )
    except (OSError, ValueError, KeyError):
        return None


def escrow(place: Place) -> Escrow | None:
    """To whom writers seal their first keys; None where no signer was set up."""
    public = read_public(place)
    try:
        secret = place.writer_secret.read_bytes()
    except OSError:
        return None
    return Escrow(signer=public.writers, secret=secret) if public else None
