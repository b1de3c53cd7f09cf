"""A small log of our own making, and exports of it: for tests of what checks them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance import bundle, canonical, note, verify
from compliance.bundle import Export
from compliance.merkle import Frontier
from compliance.note import SigningKey
from compliance.tiles import Edge, tiles_hash_at
from compliance.verify import COSIGNED, HashAt, Policy, leaf_hash, read_policy

ORIGIN = "record.example/one"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEY = SigningKey.read(
    note.SigningKey(
        name=ORIGIN,
        kind=verify.SIGNED,
        private=Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    ).write()
)
WITNESSES = tuple(
    note.SigningKey(
        name=f"witness.example/{number}",
        kind=COSIGNED,
        private=Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32),
    )
    for number in (1, 2)
)


def uuid_of(*words: object) -> str:
    """The same UUID for the same words."""
    return str(UUID(bytes=hashlib.sha256(repr(words).encode()).digest()[:16]))


def header(index: int, **members: Any) -> bytes:
    """The header of an event, ten seconds after the one before; two writers take turns."""
    time = START + timedelta(seconds=10 * index)
    said: dict[str, Any] = {
        "v": 1,
        "id": uuid_of("event", index),
        "type": ("question.asked", "answer.given", "document.opened")[index % 3],
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": uuid_of("actor", index % 7),
        "session": None,
        "request": uuid_of("request", index),
        "object": uuid_of("object", index % 11),
        "matter": uuid_of("matter", index % 3),
        "outcome": "done",
        "fields": {"passages": [{"page": index, "sha256": "ab" * 32}], "state": "answered"},
        "salt": uuid_of("salt", index).replace("-", ""),
        "writer": uuid_of("writer", index % 2),
        "seq": index // 2 + 1,
    }
    return canonical.encode(said | members)


def content(index: int) -> bytes | None:
    """The ciphertext of every fifth event."""
    return hashlib.sha512(b"%d" % index).digest() * 3 if index % 5 == 0 else None


@dataclass(frozen=True, slots=True)
class Log:
    """Headers, and the tree over them as tiles."""

    headers: list[bytes]
    contents: list[bytes]
    tiles: dict[tuple[int, int], bytes]

    @classmethod
    def of(cls, headers: Sequence[bytes], contents: Sequence[bytes] = ()) -> "Log":
        """A log of these headers."""
        tiles = Edge().extend(map(leaf_hash, headers))
        stored = {(tile.level, tile.number): tile.data for tile in tiles}
        return cls(list(headers), list(contents), stored)

    @classmethod
    def made(cls, size: int) -> "Log":
        """A log of `size` events."""
        headers, contents = [], []
        for index in range(size):
            if (data := content(index)) is None:
                headers.append(header(index))
            else:
                headers.append(header(index, content=hashlib.sha256(data).hexdigest()))
                contents.append(data)
        return cls.of(headers, contents)

    @property
    def hash_at(self) -> HashAt:
        """Reads the tree."""
        return tiles_hash_at(lambda level, number: self.tiles[level, number])

    def checkpoint(self, size: int, *, key: SigningKey = KEY) -> str:
        """The signed note of the first `size` events."""
        root = Frontier.at(size, self.hash_at).root
        return note.sign(note.checkpoint_text(origin=ORIGIN, size=size, root=root), key)

    def cosigned(self, size: int, *, late: int = 1) -> list[tuple[int, str]]:
        """The lines of both witnesses, `late` seconds after the last event."""
        body, _ = verify.split_note(self.checkpoint(size))
        time = int(START.timestamp()) + 10 * max(0, size - 1) + late
        return [(size, note.cosign(body, witness, time=time)) for witness in WITNESSES]

    def export(self, *sizes: int, **changes: Any) -> Export:
        """What goes into an export with checkpoints of these sizes."""
        made = Export(
            origin=ORIGIN,
            log=[KEY.vkey],
            checkpoints=[self.checkpoint(size) for size in sizes],
            cosignatures=[line for size in sizes for line in self.cosigned(size)],
            witnesses=[witness.vkey for witness in WITNESSES],
            quorum=2,
            late_seconds=60,
        )
        return replace(made, **changes)

    def write(
        self, folder: Path, *sizes: int, ranges: Sequence[tuple[int, int]] = (), **changes: Any
    ) -> Path:
        """Export to `folder`: everything up to the largest size, or these ranges."""
        sizes = sizes or (len(self.headers),)
        chosen = [
            (index, self.headers[index])
            for first, end in ranges or [(0, max(sizes))]
            for index in range(first, end)
        ]
        said = b"".join(data for _, data in chosen)
        digests = {hashlib.sha256(data).hexdigest().encode(): data for data in self.contents}
        contents = [data for digest, data in digests.items() if digest in said]
        export = self.export(*sizes, **changes)
        bundle.write(folder, export, headers=chosen, hash_at=self.hash_at, contents=contents)
        return folder


def keys() -> Policy:
    """The keys as somebody got them who does not trust the export."""
    export = Export(
        origin=ORIGIN,
        log=[KEY.vkey],
        checkpoints=[],
        witnesses=[witness.vkey for witness in WITNESSES],
        quorum=2,
    )
    return read_policy(canonical.encode(bundle.policy_of(export)))


def list_again(folder: Path) -> None:
    """Write the list of digests anew, as somebody would who changed files."""
    names = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != "MANIFEST.sha256"
    )
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    ]
    (folder / "MANIFEST.sha256").write_text("".join(lines))


def damage(folder: Path, **options: Any) -> dict[str, int | None]:
    """Each kind of damage that is found, with its first bad index."""
    report = verify.check_export(folder, **options)
    return {found.kind: found.index for found in report.damage.values()}
