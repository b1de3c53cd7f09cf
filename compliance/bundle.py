"""Write an export that anybody can check: C2SP tlog-tiles in a folder, with keys and digests.

What the folder holds is said in compliance/verify.py, of which a copy goes with it.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from compliance import canonical, verify
from compliance.canonical import Value
from compliance.note import with_lines
from compliance.tiles import pack
from compliance.verify import (
    TILE,
    HashAt,
    read_body,
    read_signature_line,
    split_note,
    tile_path,
    tile_width,
)

README = """This is an exported record. To check it, with Python 3.10 or newer and nothing else:

    python verify.py .

verify.py says at its top what each file here is. It is best taken from elsewhere, and so are the
keys and a checkpoint: python verify.py . --keys POLICY --kept CHECKPOINT
"""


class AlreadyThere(FileExistsError):
    """There is something at the place of the export. Nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What an export holds, apart from events, hashes and contents.

    `checkpoints` are signed notes, of which the largest becomes the newest. `cosignatures` are
    (size, line) pairs. `log` and `witnesses` are verifier keys; `quorum` witnesses have cosigned
    the newest checkpoint. `content` is "all", "any" or "none" as `verify.Policy` has it. `about`
    is said in policy.json and not checked.
    """

    origin: str
    log: Sequence[str]
    checkpoints: Sequence[str]
    cosignatures: Sequence[tuple[int, str]] = ()
    witnesses: Sequence[str] = ()
    quorum: int = 0
    content: str = "all"
    late_seconds: int = 3600
    about: Mapping[str, Value] = field(default_factory=dict)


def write(
    folder: Path,
    export: Export,
    *,
    headers: Iterable[tuple[int, bytes]],
    hash_at: HashAt,
    contents: Iterable[bytes | Path] = (),
) -> None:
    """Write an export to `folder`, whole or not at all.

    `headers` are (index, header) in rising order: every event, a range, or any choice of them. What
    is between them is withheld: its hashes are there, its headers are not. `hash_at` reads the
    stored tree. `contents` are ciphertexts, or files of them.

    Raises AlreadyThere when there is something at `folder`, ValueError for headers out of order, or
    beyond the newest checkpoint.
    """
    _refuse_if_there(folder)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _Writer(made, export, hash_at).write(headers, contents)
        os.sync()  # once: there may be hundreds of thousands of files
        # Not atomic against someone who makes an empty folder in between: that one is replaced.
        _refuse_if_there(folder)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    os.sync()


def _refuse_if_there(folder: Path) -> None:
    if folder.is_symlink() or folder.exists():
        raise AlreadyThere(f"{folder} is there already. Name a folder that does not exist yet.")


class _Writer:
    """Writes the files of one export, and keeps their digests."""

    def __init__(self, folder: Path, export: Export, hash_at: HashAt) -> None:
        self._folder, self._export, self._hash_at = folder, export, hash_at
        notes = {read_body(split_note(note)[0]).size: note for note in export.checkpoints}
        if not notes or len(notes) != len(export.checkpoints):
            raise ValueError("An export has one checkpoint or more, each of another size.")
        self._notes = dict(sorted(notes.items()))
        self._size = max(notes)
        self._digests: dict[str, str] = {}

    def write(self, headers: Iterable[tuple[int, bytes]], contents: Iterable[bytes | Path]) -> None:
        ranges = self._write_entries(headers)
        self._write_edges()
        self._write_upper_tiles()
        self._write_notes()
        for content in contents:
            self._write_content(content)
        self._put("policy.json", canonical.encode(self._policy(ranges)))
        self._put("README.txt", README.encode())
        self._put("verify.py", Path(verify.__file__).read_bytes())
        listed = sorted(self._digests.items())
        manifest = "".join(f"{digest}  {name}\n" for name, digest in listed)
        self._put("MANIFEST.sha256", manifest.encode())

    def _write_entries(self, headers: Iterable[tuple[int, bytes]]) -> list[list[int]]:
        """Write bundles and the leaves below them; give the ranges of what is in them."""
        ranges: list[list[int]] = []
        for number, group in groupby(self._in_order(headers, ranges), lambda one: one[0] // TILE):
            width = tile_width(self._size, 0, number)
            bundle = [b""] * width
            for index, header in group:
                bundle[index % TILE] = header
            self._put(tile_path("entries", number, width), pack(bundle))
            self._write_tile(0, number)
        return ranges

    def _in_order(
        self, headers: Iterable[tuple[int, bytes]], ranges: list[list[int]]
    ) -> Iterator[tuple[int, bytes]]:
        following = 0
        for index, header in headers:
            if not following <= index < self._size or not header:
                raise ValueError(f"Event {index} is out of order, beyond the tree, or empty.")
            if ranges and index == following:
                ranges[-1][1] = index + 1
            else:
                ranges.append([index, index + 1])
            following = index + 1
            yield index, header

    def _write_edges(self) -> None:
        """The leaves at the edge of each checkpoint, without which its root cannot be derived."""
        for size in self._notes:
            if size % TILE:
                self._write_tile(0, size // TILE)

    def _write_upper_tiles(self) -> None:
        level = 1
        while hashes := self._size >> 8 * level:
            for number in range(-(-hashes // TILE)):
                self._write_tile(level, number)
            level += 1

    def _write_tile(self, level: int, number: int) -> None:
        width = tile_width(self._size, level, number)
        name = tile_path(level, number, width)
        if name not in self._digests:
            first = number * TILE
            hashes = [self._hash_at(8 * level, first + at) for at in range(width)]
            self._put(name, b"".join(hashes))

    def _write_notes(self) -> None:
        """The newest checkpoint carries its cosignatures: other tools look for them there."""
        lines: dict[int, list[str]] = {}
        for size, line in self._export.cosignatures:
            lines.setdefault(size, []).append(line.rstrip("\n") + "\n")
        for size, note in self._notes.items():
            if size == self._size:
                # One line a key: some tools take a second one for an attempt to confuse them.
                newest = {_signer(line): line for line in lines.get(size, [])}
                self._put("checkpoint", with_lines(note, list(newest.values())).encode())
            else:
                self._put(f"checkpoints/{size}", note.encode())
        cosigned = [f"{size} {line}" for size in self._notes for line in lines.get(size, [])]
        self._put("cosignatures", "".join(dict.fromkeys(cosigned)).encode())

    def _write_content(self, content: bytes | Path) -> None:
        data = content if isinstance(content, bytes) else content.read_bytes()
        self._put(f"content/{hashlib.sha256(data).hexdigest()}", data)

    def _policy(self, ranges: list[list[int]]) -> Value:
        export = self._export
        return policy_of(export) | {
            "entries": ranges,
            "content": export.content,
            "late_seconds": export.late_seconds,
            "about": export.about,
        }

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._digests[name] = hashlib.sha256(data).hexdigest()


def _signer(line: str) -> tuple[str, bytes]:
    name, signature = read_signature_line(line.rstrip("\n"))
    return name, signature[:4]


def policy_of(export: Export) -> dict[str, Value]:
    """Whose signatures count: the part of policy.json that is best got another way."""
    return {
        "v": verify.VERSION,
        "origin": export.origin,
        "log": list(export.log),
        "witnesses": list(export.witnesses),
        "quorum": export.quorum,
    }
