"""Check an exported record, or one event's proof, with Python's standard library alone.

    python verify.py DIR [--json] [--keys FILE] [--kept CHECKPOINT]
    python verify.py proof FILE [--json] [--keys FILE]

This file stands alone: Python 3.10 or newer, no other package, no network. `check_export`, near its
end, lists every check in order; what it calls stands above it, from the ground up: tree, tiles,
signatures, notes, headers, files, policy, checkpoints, tiles of an export, events. Formats:
RFC 6962 (tree), RFC 8032 (Ed25519), RFC 8785 (spelling of headers), and C2SP signed-note,
tlog-checkpoint, tlog-cosignature, tlog-tiles and tlog-proof.

What an export holds:

    checkpoint            the newest checkpoint: size and root of the tree, signed
    checkpoints/SIZE      older checkpoints
    cosignatures          witnesses' lines, each behind the size it is about
    tile/L/N              hashes of the tree; tile/0 holds one for each event
    tile/entries/N        the events' headers, 256 a file; an empty one is withheld
    content/SHA256        ciphertexts that headers name
    policy.json           public keys, which events are here, what may be missing
    MANIFEST.sha256       a digest of every other file, as `sha256sum --check` reads it

The keys in policy.json come with the export. Whoever could forge one could put in other keys: get
the keys another way and pass them with --keys, and pass a checkpoint that was kept elsewhere (on
paper, at the witness) with --kept.

Exit codes: 0 everything holds, 1 something does not (each kind of damage is named with its first
bad index), 2 it could not be checked.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

UTC = timezone.utc  # noqa: UP017 - datetime.UTC came with Python 3.11
_sha256 = hashlib.sha256


class NotValid(ValueError):
    """What was read is not what it should be. The message says what is wrong with it."""


# --- The tree: RFC 6962 section 2.1 -----------------------------------------------------------

HashAt = Callable[[int, int], bytes]
"""`hash_at(level, index)`: the hash of leaves [index * 2^level, (index + 1) * 2^level)."""

EMPTY_ROOT = _sha256().digest()


def leaf_hash(header: bytes) -> bytes:
    """The hash under which an event stands in the tree."""
    return _sha256(b"\x00" + header).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return _sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """The hash over 2^k neighbours, given one after the other."""
    while len(hashes) > 32:
        pairs = range(0, len(hashes), 64)
        hashes = b"".join([_sha256(b"\x01" + hashes[at : at + 64]).digest() for at in pairs])
    return hashes


def peaks_of(size: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up a tree, from left to right."""
    levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    return [(level, (size >> level) - 1) for level in levels]


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, given from left to right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_at(size: int, hash_at: HashAt) -> bytes:
    """The root of the first `size` leaves."""
    return root_of_peaks([hash_at(level, index) for level, index in peaks_of(size)])


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    row = b"".join(leaves)
    return root_at(len(leaves), lambda level, i: fold(row[i << level + 5 : i + 1 << level + 5]))


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether a leaf hash stands at this place of this tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *path):
        return False
    node, last, hashed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            hashed = node_hash(sibling, hashed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hashed == root


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2).

    An empty old tree is the beginning of every other, which needs no proof: the answer is no.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if not _are_hashes(old_root, new_root, *path):
        return False
    if not old_size & (old_size - 1):
        path = [old_root, *path]
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _are_hashes(*hashes: bytes) -> bool:
    # With other lengths, two hashes could be cut at another place and hash to the same.
    return all(len(one) == 32 for one in hashes)


# --- Tiles: C2SP tlog-tiles -------------------------------------------------------------------

TILE = 256
"""Hashes in a full tile: 2^8. A hash at tile level L covers 256^L leaves."""


def number_path(number: int) -> str:
    """A tile's number as folders of three digits: 1234067 is x001/x234/067."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def tile_path(level: int | str, number: int, width: int = TILE) -> str:
    """The path of a tile of hashes, or of a bundle of entries (`level` is then "entries")."""
    return f"tile/{level}/{number_path(number)}" + ("" if width == TILE else f".p/{width}")


def tile_width(size: int, level: int, number: int) -> int:
    """How many hashes this tile has in a tree of this size; 0 when there is no such tile."""
    return max(0, min(TILE, (size >> 8 * level) - number * TILE))


def tiles_hash_at(read: Callable[[int, int], bytes]) -> HashAt:
    """Read complete subtrees out of tiles; `read(level, number)` gives a tile's bytes.

    Raises NotValid when a tile is too short for what is asked of it.
    """

    def hash_at(level: int, index: int) -> bytes:
        tile_level, rest = divmod(level, 8)
        first = index << rest
        begin = first % TILE * 32
        hashes = read(tile_level, first // TILE)[begin : begin + (32 << rest)]
        if len(hashes) != 32 << rest:
            raise NotValid(f"{tile_path(tile_level, first // TILE)} holds too few hashes")
        return fold(hashes)

    return hash_at


def unpack(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises NotValid when it ends within one."""
    entries, at, end = [], 0, len(bundle)
    while at < end:
        start = at + 2
        at = start + (bundle[start - 2] << 8 | bundle[start - 1]) if start <= end else end + 1
        if at > end:
            raise NotValid("the bundle ends within an entry")
        entries.append(bundle[start:at])
    return entries


# --- Signatures: Ed25519, RFC 8032 section 5.1 ------------------------------------------------
# A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z. Nothing here is secret, so nothing
# needs constant time. Stricter than the RFC asks: R must be spelled canonically, and a public
# key of small order, for which anybody can make signatures, is refused.

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]
_NEUTRAL: Point = (0, 1, 1, 0)


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether this is the signature of the 32-byte public key over the message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    minus_a = _multiples_of_minus(key)
    if s >= _ORDER or minus_a is None:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    k = int.from_bytes(digest, "little") % _ORDER
    # R = s*B - k*A, compared as bytes.
    return _encode(_add(_times(_multiples_of_base(), s), _times(minus_a, k))) == signature[:32]


def _add(a: Point, b: Point) -> Point:
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    low, high = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = high - low, d - c, d + c, high + low
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decode(encoded: bytes) -> Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (v * x * x - u) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _table(point: Point) -> list[list[Point]]:
    """For each of 64 hexadecimal digits, the point times 0..15 times 16^digit."""
    table = []
    for _ in range(64):
        row = [_NEUTRAL]
        for _ in range(15):
            row.append(_add(row[-1], point))
        table.append(row)
        point = _add(row[-1], point)
    return table


def _times(table: list[list[Point]], number: int) -> Point:
    total = _NEUTRAL
    for row in table:
        if number & 15:
            total = _add(total, row[number & 15])
        number >>= 4
    return total


@lru_cache(maxsize=1)
def _multiples_of_base() -> list[list[Point]]:
    y = 4 * pow(5, -1, _P) % _P
    base = _decode(y.to_bytes(32, "little"))
    assert base is not None
    return _table(base)


@lru_cache(maxsize=32)
def _multiples_of_minus(key: bytes) -> list[list[Point]] | None:
    """The table for the negated public key; None when the key is no point, or of small order."""
    point = _decode(key)
    if point is None:
        return None
    eightfold = point
    for _ in range(3):
        eightfold = _add(eightfold, eightfold)
    if eightfold[0] == 0:
        return None
    x, y, z, t = point
    return _table((_P - x, y, z, _P - t))


# --- Notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature -------------------------------

SIGNED, COSIGNED = 0x01, 0x04
"""Types of signature: by the log over the note; by a witness over the note and a time."""
LARGEST_SIZE = 2**63 - 1
_NOTE_BYTES = 1_000_000
_MOST_SIGNATURES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key and the name it signs under. `kind` is SIGNED or COSIGNED."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def vkey(self) -> str:
        """The key as text, in full: the id alone is short enough to be forged."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature that holds. `time` is a witness's, in seconds since 1970."""

    key: Key
    time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log's size and root at some time. `body` is the signed text."""

    origin: str
    size: int
    root: bytes
    body: str
    signatures: tuple[Signature, ...] = ()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes by which a note tells which key signed it."""
    return _sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_vkey(text: str) -> Key:
    """Read a verifier key: name+id+key. Raises NotValid."""
    # The key itself may hold a plus sign; name and id may not.
    name, plus, rest = text.partition("+")
    identifier, other_plus, key = rest.partition("+")
    if not (plus and other_plus and _is_name(name)):
        raise NotValid("a verifier key has three parts: name+id+key")
    material = _unbase64(key, "a verifier key")
    kind, public = material[:1], material[1:]
    if kind not in (bytes([SIGNED]), bytes([COSIGNED])) or len(public) != 32:
        raise NotValid(f"the key of {name} is not of type 1 or 4 with 32 bytes")
    expected = key_id(name, kind[0], public)
    if identifier != expected.hex():
        raise NotValid(f"the id of the key of {name} does not belong to it")
    return Key(name=name, key_id=expected, kind=kind[0], public=public)


def split_note(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, and of each signature the name and the bytes. Raises NotValid."""
    if len(text) > _NOTE_BYTES or re.search(r"[\x00-\x09\x0b-\x1f]", text):
        raise NotValid("the note is too long or holds control characters")
    body, gap, signed = text.rpartition("\n\n")
    if not gap or not signed.endswith("\n"):
        raise NotValid("the note has no signatures, or does not end with a line's end")
    lines = signed[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NotValid(f"the note has more than {_MOST_SIGNATURES} signatures")
    return body + "\n", [read_signature_line(line) for line in lines]


def read_signature_line(line: str) -> tuple[str, bytes]:
    """The name and the bytes of a line `— name base64`. Raises NotValid."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or not _is_name(name):
        raise NotValid("a signature's line is not of the form `— name base64`")
    signature = _unbase64(encoded, f"the signature of {name}")
    if len(signature) < 5:
        raise NotValid(f"the signature of {name} is too short")
    return name, signature


def read_body(body: str) -> Checkpoint:
    """Read a checkpoint's text, without signatures. Raises NotValid."""
    lines = body.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NotValid("a checkpoint has three lines or more: origin, size, root")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) > LARGEST_SIZE:
        raise NotValid("the size of the checkpoint is not a number below 2^63")
    root = _unbase64(lines[2], "the root")
    if len(root) != 32:
        raise NotValid("the root is not of 32 bytes")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, body=body)


def check_signature(body: str, key: Key, signature: bytes) -> Signature:
    """Check one signature, of which the first four bytes are the key's id. Raises NotValid."""
    if key.kind == SIGNED:
        time, message = None, body.encode()
    elif len(signature) != 4 + 8 + 64 or signature[4] > 127:
        raise NotValid(f"the cosignature of {key.name} is not a time and a signature")
    else:
        time = int.from_bytes(signature[4:12], "big")
        message = f"cosignature/v1\ntime {time}\n{body}".encode()
    if not verify_ed25519(key.public, message, signature[4 if time is None else 12 :]):
        raise NotValid(f"the signature of {key.name} is not over this text")
    return Signature(key=key, time=time)


def read_note(text: str, vkeys: Iterable[str | Key]) -> Checkpoint:
    """Read a checkpoint that is signed by at least one of these keys.

    Signatures of other keys are ignored, as C2SP has it. Raises NotValid when none of these keys
    signed it, or when the signature of one of them does not hold.
    """
    known = {
        (key.name, key.key_id): key
        for key in (read_vkey(key) if isinstance(key, str) else key for key in vkeys)
    }
    body, signatures = split_note(text)
    checkpoint = read_body(body)
    holds = tuple(
        check_signature(body, known[name, signature[:4]], signature)
        for name, signature in signatures
        if (name, signature[:4]) in known
    )
    if not holds:
        raise NotValid("no known key has signed this checkpoint")
    return replace(checkpoint, signatures=holds)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not re.search(r"\s", name)


def _unbase64(text: str, what: str) -> bytes:
    """Decode base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise NotValid(f"{what} is not in base64")
    return data


# --- Headers: JSON in one spelling, RFC 8785 --------------------------------------------------

VERSION = 1
_LARGEST_INTEGER = 2**53 - 1
_MEMBERS = {
    "id": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "time": r"[0-9]{4}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}\.[0-9]{6}Z",
    "type": r"[a-z_]+\.[a-z_]+",
    "outcome": r"[a-z_]+",
    "salt": r"[0-9a-f]{32}",
}
"""What every header says, and how that is written. Of the rest, the spelling is checked."""
_OPTIONAL = {"content": r"[0-9a-f]{64}", "writer": r"[0-9A-Za-z._:/+-]{1,96}"}
_NAMED = ("content", "id", "seq", "time", "writer")
Said = tuple[bytes, ...]
"""Content, id, seq, time and writer of a header; empty where it says nothing of these."""
_NUMBER = r"0|-?[1-9][0-9]{0,14}"
_PLAIN = rf'(?:"[ !#-\[\]-~]*"|null|true|false|{_NUMBER})'
"""Values that are canonical as they stand: no escapes, integers well below 2^53."""


def canonical(value: Any) -> bytes:
    """Write a value in its one spelling. Raises NotValid for what has none, a fraction too."""
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotValid("a string holds half of a surrogate pair") from error


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        # By UTF-16 code units (RFC 8785 section 3.2.3).
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(part) for part in value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST_INTEGER):
        raise NotValid("a number has a fraction, or is beyond 2^53 - 1")
    return value


def read_json(data: bytes) -> dict[str, Any]:
    """Read a JSON object in its canonical spelling, and in no other. Raises NotValid."""
    try:
        value = json.loads(data.decode())
        canonically = canonical(value)
    except NotValid:
        raise
    except (ValueError, RecursionError) as error:
        raise NotValid("not JSON in UTF-8") from error
    if canonically != data or not isinstance(value, dict):
        raise NotValid("JSON, but not an object in canonical spelling")
    return value


def read_header(data: bytes) -> dict[str, Any]:
    """Read the header of an event. Raises NotValid, naming the member that is wrong."""
    value = read_json(data)
    if value.get("v") != VERSION or value["v"] is True:
        raise NotValid(f"the header is not of version {VERSION}, which this file can read")
    for name, form in (_MEMBERS | _OPTIONAL).items():
        said = value.get(name)
        if said is None and name in _OPTIONAL and name not in value:
            continue
        if not isinstance(said, str) or not re.fullmatch(form, said):
            raise NotValid(f"the header's {name!r} is missing or is not written as it should be")
    seq = value.get("seq")
    if ("writer" in value) != ("seq" in value) or (
        "seq" in value and (type(seq) is not int or seq < 0)
    ):
        raise NotValid("the header's 'writer' and 'seq' are not a name and a counter")
    if _instant(value["time"]) is None:
        raise NotValid("the header's 'time' is not in the calendar")
    return value


def _instant(time: str) -> datetime | None:
    try:
        return datetime.fromisoformat(time[:-1]).replace(tzinfo=UTC)
    except ValueError:
        return None


class Headers:
    """Reads headers, quickly where it has seen their shape before.

    A header is parsed, written again in canonical form and compared byte by byte. From one that
    passes a pattern is made: the same members in the same order, each with any plain value of its
    kind. What matches that pattern is canonical too, and need not be parsed.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, list[Callable[[bytes], re.Match[bytes] | None]]] = {}
        self._shapes: set[str] = set()
        self._days: set[bytes] = set()

    def read(self, header: bytes) -> Said:
        """What a header says. Raises NotValid."""
        said, wrong = self.read_all([header])
        if wrong:
            raise wrong[0]
        if not self.is_day(said[0][3]):
            raise NotValid("the header's 'time' is not in the calendar")
        return said[0]

    def is_day(self, time: bytes) -> bool:
        """Whether a time is of a day in the calendar, which no pattern can tell."""
        if time[:10] not in self._days and _instant(time.decode()) is not None:
            self._days.add(time[:10])
        return time[:10] in self._days

    def read_all(self, headers: Sequence[bytes]) -> tuple[list[Said], dict[int, NotValid]]:
        """What they say; and of those that are not headers, by position, what is wrong.

        Whether a time's day is in the calendar is left to `is_day`.
        """
        known = self._known
        found: list[Said] = []
        wrong: dict[int, NotValid] = {}
        for header in headers:
            at = header.rfind(b'"type":"') + 8
            for matches in known.get(header[at : header.find(b'"', at)], ()):
                if match := matches(header):
                    found.append(match.groups())
                    break
            else:
                try:
                    found.append(self._read_slowly(header))
                except NotValid as error:
                    wrong[len(found) + len(wrong)] = error
        return found, wrong

    def _read_slowly(self, header: bytes) -> Said:
        value = read_header(header)
        self._learn(value)
        return tuple(str(value.get(name, "")).encode() for name in _NAMED)

    def _learn(self, value: dict[str, Any]) -> None:
        known = self._known.setdefault(value["type"].encode(), [])
        shape = _shape_of_header(value)
        is_new = 0 < len(shape) < 8_000 and shape not in self._shapes
        if is_new and len(known) < 16 and len(self._shapes) < 1_000:
            self._shapes.add(shape)
            known.append(re.compile(shape.encode()).fullmatch)


def _shape_of_header(value: dict[str, Any]) -> str:
    """A pattern for headers like this one; empty when none is made."""
    members, said = "", 0
    # In the canonical order, which is that of the names' letters, with an empty group for each of
    # _NAMED that the header does not have: so every pattern has the same groups in one order.
    for name in sorted({*value, *_NAMED}):
        if name not in value:
            members += "()"
            continue
        part, form = value[name], (_MEMBERS | _OPTIONAL).get(name)
        if name in ("type", "v"):
            shape = re.escape(json.dumps(part))
        elif name == "seq":
            shape = "(0|[1-9][0-9]{0,14})"
        elif form:
            shape = f'"({form})"' if name in _NAMED else f'"{form}"'
        else:
            shape = _shape(part)
        if not shape or not _is_word(name):
            return ""
        members += f'{"," if said else ""}"{name}":{shape}'
        said += 1
    return r"\{" + members + r"\}"


def _shape(value: Any, depth: int = 0) -> str:
    """A pattern for values like this one; empty when none is made.

    A list's pattern has that of its parts twice: without a limit, depth would make it explode.
    """
    if depth > 4 and isinstance(value, dict | list):
        return ""
    if isinstance(value, dict):
        parts = {name: _shape(part, depth + 1) for name, part in value.items()}
        if not all(parts.values()) or not all(map(_is_word, parts)):
            return ""
        return r"\{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + r"\}"
    if isinstance(value, list):
        of = {_shape(part, depth + 1) for part in value} or {_PLAIN}
        one = of.pop()
        return rf"\[(?:{one}(?:,{one})*)?\]" if one and not of else ""
    return _PLAIN


def _is_word(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_]+", name) is not None


# --- The export: files that are what they seem ------------------------------------------------


class CannotCheck(Exception):
    """There is nothing here that could be checked. The message says why."""


@dataclass(slots=True)
class Damage:
    """One kind of damage: its first bad index where it has one, an example, how often."""

    kind: str
    index: int | None
    where: str
    says: str
    count: int = 1


@dataclass(slots=True)
class Report:
    """What was found. No damage: everything holds."""

    damage: dict[str, Damage] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, says: object, *, index: int | None = None, where: str = "") -> None:
        """Note damage. Of each kind the lowest index is kept."""
        found = self.damage.get(kind)
        if found is None:
            self.damage[kind] = Damage(kind, index, where, str(says))
            return
        found.count += 1
        if index is not None and (found.index is None or index < found.index):
            found.index, found.where, found.says = index, where, str(says)


_TILE_FILE = re.compile(
    r"tile/(entries|0|[1-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
_CHECKPOINT_FILE = re.compile(r"checkpoints/(0|[1-9][0-9]{0,18})")
_CONTENT_FILE = re.compile(r"content/([0-9a-f]{64})")
_SINGLE_FILES = ("checkpoint", "cosignatures", "policy.json", "verify.py", "README.txt")
_MANIFEST = "MANIFEST.sha256"
_SMALL, _LARGE = 16_000_000, 512_000_000


class Files:
    """The files of an export: regular files with expected names, no links, digests as listed."""

    def __init__(self, folder: Path, report: Report) -> None:
        if not folder.is_dir():
            raise CannotCheck(f"{folder} is not a folder.")
        self.folder, self.report = folder, report
        self.names = set(self._walk(folder, ""))
        if not self.names:
            raise CannotCheck(f"{folder} holds no export.")
        self._listed = self._read_manifest()
        self._unread = set(self.names) - {_MANIFEST}

    def _walk(self, folder: Path, prefix: str, depth: int = 0) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.report.add("file", f"a folder cannot be read: {error.strerror}", where=prefix)
            return
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and depth < 40:
                yield from self._walk(folder / entry.name, name + "/", depth + 1)
            elif not entry.is_file(follow_symlinks=False):
                self.report.add("file", "a link or a special file; it was not opened", where=name)
            elif not _is_expected(name):
                self.report.add("file", "no file of an export has this name", where=name)
            else:
                yield name

    def _read_manifest(self) -> dict[str, str]:
        listed: dict[str, str] = {}
        data = self._bytes(_MANIFEST, _LARGE) if _MANIFEST in self.names else None
        if data is None:
            self.report.add("manifest", "there is no list of digests", where=_MANIFEST)
            return listed
        lines = data.decode(errors="replace").split("\n")
        if lines.pop() or lines != sorted(set(lines), key=lambda line: line[66:]):
            self.report.add("manifest", "the list is not sorted by name, or ends oddly")
        for line in lines:
            digest, name = line[:64], line[66:]
            if line[64:66] != "  " or not re.fullmatch(r"[0-9a-f]{64}", digest) or name in listed:
                self.report.add("manifest", "a line is not `digest  name`", where=_MANIFEST)
            listed[name] = digest
        for name in sorted(listed.keys() - self.names):
            self.report.add("manifest", "listed, but not here", where=name)
        for name in sorted(self.names - listed.keys() - {_MANIFEST}):
            self.report.add("manifest", "here, but not listed", where=name)
        return listed

    def read(self, name: str, limit: int = _SMALL) -> bytes | None:
        """The bytes of a file whose digest is right or noted; None when it cannot be read."""
        data = self._bytes(name, limit) if name in self.names else None
        if data is not None and name in self._unread:
            self._compare(name, _sha256(data).hexdigest())
        self._unread.discard(name)
        return data

    def digest(self, name: str) -> str:
        """The digest of a file of any length; empty when it cannot be read."""
        digest = _sha256()
        self._unread.discard(name)
        try:
            with os.fdopen(_open(f"{self.folder}/{name}"), "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            self.report.add("file", f"cannot be read: {error.strerror}", where=name)
            return ""
        self._compare(name, digest.hexdigest())
        return digest.hexdigest()

    def finish(self) -> None:
        """Compare the digests of what nobody had reason to read."""
        for name in sorted(self._unread):
            self.digest(name)

    def _compare(self, name: str, digest: str) -> None:
        if self._listed.get(name, digest) != digest:
            self.report.add("manifest", "the file is not what was listed", where=name)

    def _bytes(self, name: str, limit: int) -> bytes | None:
        try:
            data = _read_regular(f"{self.folder}/{name}", limit)
        except OSError as error:
            self.report.add("file", f"cannot be read: {error.strerror}", where=name)
            return None
        if len(data) > limit:
            self.report.add("file", f"longer than {limit} bytes", where=name)
            return None
        return data


def _read_regular(path: str, limit: int) -> bytes:
    """The bytes of a regular file; one more than `limit` when it is longer."""
    opened = _open(path)
    try:
        data = os.read(opened, min(os.fstat(opened).st_size, limit) + 1)
        while len(data) <= limit and (more := os.read(opened, 1 << 16)):
            data += more
        return data
    finally:
        os.close(opened)


def _open(path: str) -> int:
    """Open a regular file for reading; a link or a pipe that has come in its place is refused."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    opened = os.open(path, os.O_RDONLY | flags)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(0, "not a file")
    return opened


def _is_expected(name: str) -> bool:
    if match := _TILE_FILE.fullmatch(name):
        return tile_name(name) is not None and int(match[3] or 1) < TILE
    if match := _CHECKPOINT_FILE.fullmatch(name):
        return int(match[1]) <= LARGEST_SIZE
    return name in (*_SINGLE_FILES, _MANIFEST) or _CONTENT_FILE.fullmatch(name) is not None


def tile_name(name: str) -> tuple[str, int, int] | None:
    """(level or "entries", number, width) of a tile's file; None when it is not one."""
    match = _TILE_FILE.fullmatch(name)
    if match is None:
        return None
    number = int(re.sub(r"[x/]", "", match[2]))
    return (match[1], number, int(match[3] or TILE)) if number_path(number) == match[2] else None


# --- The policy: whose signatures count, what is here -----------------------------------------

Ranges = list[tuple[int, int]]
"""Half-open ranges of indices, in order, apart from each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What policy.json says.

    `quorum` witnesses must have cosigned the newest checkpoint. `entries` are the events that must
    be here. `content`: "all" ciphertexts that headers name are here, "any" may be missing, "none"
    is here. `late_seconds`: how far an event's own time may lie from where it stands, by long
    transactions and by clocks that differ.
    """

    origin: str
    log: tuple[Key, ...]
    witnesses: tuple[Key, ...] = ()
    quorum: int = 0
    entries: tuple[tuple[int, int], ...] = ()
    content: str = "all"
    late_seconds: int = 3600


def read_policy(data: bytes) -> Policy:
    """Read policy.json. Raises NotValid."""
    value = read_json(data)
    extra = value.keys() - {"v", "about", *Policy.__slots__}
    if value.get("v") != VERSION or extra:
        raise NotValid(f"the policy is not of version {VERSION}, or says more than this file knows")
    origin, quorum = value.get("origin"), value.get("quorum", 0)
    late, content = value.get("late_seconds", 3600), value.get("content", "all")
    log, witnesses = _keys(value.get("log"), SIGNED), _keys(value.get("witnesses", []), COSIGNED)
    if not isinstance(origin, str) or not origin or not log:
        raise NotValid("the policy names no origin, or no key of the log")
    if {key.public for key in log} & {key.public for key in witnesses}:
        raise NotValid("the policy takes a key of the log for a witness")
    if type(quorum) is not int or not 0 <= quorum <= len(witnesses):
        raise NotValid("the policy's quorum is not a number of its witnesses")
    if type(late) is not int or not 0 <= late <= 10**9 or content not in ("all", "any", "none"):
        raise NotValid("the policy's 'late_seconds' or 'content' is not one this file knows")
    return Policy(
        origin=origin,
        log=log,
        witnesses=witnesses,
        quorum=quorum,
        entries=_ranges(value.get("entries", [])),
        content=content,
        late_seconds=late,
    )


def _keys(texts: Any, kind: int) -> tuple[Key, ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise NotValid("the policy's keys are not a list of texts")
    keys = tuple(read_vkey(text) for text in texts)
    if any(key.kind != kind for key in keys) or len({key.public for key in keys}) != len(keys):
        raise NotValid("a key of the policy is of the wrong type, or is there twice")
    return keys


def _ranges(value: Any) -> tuple[tuple[int, int], ...]:
    before, ranges = -1, []
    for pair in value if isinstance(value, list) else [None]:
        if not isinstance(pair, list) or [type(part) for part in pair] != [int, int]:
            raise NotValid("the policy's entries are not pairs of numbers")
        first, end = pair
        if not before < first < end <= LARGEST_SIZE:
            raise NotValid("the policy's entries are not ranges in order, apart from each other")
        ranges.append((first, end))
        before = end
    return tuple(ranges)


# --- Checkpoints and witnesses ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness has seen the tree at this size, at this time."""

    size: int
    vkey: str
    time: int


class Checkpoints:
    """The checkpoints of an export, and what witnesses said of them."""

    def __init__(self, files: Files, policy: Policy) -> None:
        self._files, self._policy, self._report = files, policy, files.report
        self.cosigned: list[Cosigned] = []
        self.signed_by: list[str] = []
        self.newest = self._read("checkpoint")
        self.all = [self.newest] if self.newest else []
        for name in sorted(filter(_CHECKPOINT_FILE.fullmatch, files.names)):
            checkpoint = self._read(name)
            if checkpoint and name != f"checkpoints/{checkpoint.size}":
                self._report.add("checkpoint", "the size is not the name's", where=name)
            if checkpoint and self.newest and checkpoint.size >= self.newest.size:
                self._report.add("checkpoint", "not older than the newest", where=name)
            self.all += [checkpoint] if checkpoint else []
        self.all.sort(key=lambda checkpoint: checkpoint.size)
        self._read_cosignatures()
        self._check_quorum()

    def _read(self, name: str) -> Checkpoint | None:
        """Read one, so that its root can be checked even when a signature does not hold."""
        data = self._files.read(name)
        if data is None:
            self._report.add("checkpoint", "there is no checkpoint", where=name)
            return None
        try:
            body, _ = split_note(text := data.decode())
            checkpoint = read_body(body)
        except ValueError as error:
            self._report.add("checkpoint", error, where=name)
            return None
        if checkpoint.origin != self._policy.origin:
            self._report.add("checkpoint", "the origin is not the policy's", where=name)
        try:
            checkpoint = read_note(text, (*self._policy.log, *self._policy.witnesses))
            keys = [one.key.vkey for one in checkpoint.signatures if one.key.kind == SIGNED]
            if not keys:
                raise NotValid("the log has not signed this checkpoint")
            self.signed_by = self.signed_by or keys
        except NotValid as error:
            self._report.add("signature", error, index=checkpoint.size, where=name)
        self._remember(checkpoint.size, checkpoint.signatures)
        return checkpoint

    def _remember(self, size: int, signatures: Iterable[Signature]) -> None:
        self.cosigned += [
            Cosigned(size, one.key.vkey, one.time) for one in signatures if one.time is not None
        ]

    def _read_cosignatures(self) -> None:
        """Lines of `size — name base64`; those of unknown witnesses are passed over."""
        data = self._files.read("cosignatures") if "cosignatures" in self._files.names else b""
        bodies = {checkpoint.size: checkpoint.body for checkpoint in self.all}
        known = {(key.name, key.key_id): key for key in self._policy.witnesses}
        text = (data or b"").decode(errors="replace")
        if text and not text.endswith("\n"):
            self._report.add("cosignature", "the last line has no end", where="cosignatures")
        for line in text.split("\n")[:-1]:
            digits, _, rest = line.partition(" ")
            try:
                if not re.fullmatch(r"0|[1-9][0-9]{0,18}", digits) or int(digits) not in bodies:
                    raise NotValid("a line is about a size that no checkpoint here has")
                name, signature = read_signature_line(rest)
                if key := known.get((name, signature[:4])):
                    signed = check_signature(bodies[int(digits)], key, signature)
                    self._remember(int(digits), [signed])
            except NotValid as error:
                size = int(digits) if re.fullmatch(r"[0-9]{1,19}", digits) else None
                self._report.add("cosignature", error, index=size, where="cosignatures")

    def _check_quorum(self) -> None:
        size = self.newest.size if self.newest else 0
        seen_by = {one.vkey for one in self.cosigned if one.size == size}
        if len(seen_by) < self._policy.quorum:
            says = f"{len(seen_by)} of {self._policy.quorum} witnesses have seen the newest one"
            self._report.add("quorum", says, index=size)

    def bounds(self, index: int) -> tuple[int, int, int]:
        """(not before, not after, next index at which this changes): times in seconds."""
        before = [one.time for one in self.cosigned if one.size <= index]
        after = [one.time for one in self.cosigned if one.size > index]
        change = min((one.size for one in self.cosigned if one.size > index), default=1 << 63)
        return max(before, default=0), min(after, default=1 << 62), change


# --- The tree of an export: events to leaves, leaves to tiles, tiles to roots -----------------


class Tiles:
    """The tiles of an export. What can be made again from the level below is made and compared."""

    def __init__(self, files: Files, size: int, sizes: Iterable[int]) -> None:
        self._files, self._report, self._size = files, files.report, size
        self._names: dict[str, dict[int, str]] = {}
        self._upper: dict[int, dict[int, bytes]] = {}
        for name in sorted(files.names):
            if found := tile_name(name):
                self._place(name, *found)
        self.bundles = self._names.get("entries", {})
        # An export of some events has the leaves near those, and at the edge of each checkpoint.
        self._edges = {one // TILE for one in (size, *sizes) if one % TILE}
        self._read_upper()

    def _place(self, name: str, level: str, number: int, width: int) -> None:
        expected = tile_width(self._size, 0 if level == "entries" else int(level), number)
        if width != expected:
            where = number * TILE << (0 if level == "entries" else 8 * int(level))
            says = f"a tree of {self._size} events has no tile like this"
            self._report.add("tile", says, index=min(where, self._size), where=name)
        else:
            self._names.setdefault(level, {})[number] = name

    def _read_upper(self) -> None:
        """Read the tiles above the leaves, of which none may be missing."""
        level = 1
        while self._size >> 8 * level:
            found = self._upper.setdefault(level, {})
            for number in sorted(self._names.get(str(level), {})):
                if (data := self._read(level, number)) is not None:
                    found[number] = data
            needed = -(-(self._size >> 8 * level) // TILE)
            if len(found) < needed:
                self._missing(level, next(n for n in range(needed) if n not in found))
            level += 1

    def _missing(self, level: int | str, number: int) -> None:
        index = number * TILE << (8 * level if isinstance(level, int) else 0)
        self._report.add("tile", "missing", index=index, where=tile_path(level, number))

    def _read(self, level: int, number: int) -> bytes | None:
        name = self._names.get(str(level), {}).get(number)
        data = None if name is None else self._files.read(name)
        if name and data is not None:
            width = tile_width(self._size, level, number)
            if len(data) == width * 32:
                return data
            index = number * TILE << 8 * level
            self._report.add("tile", f"not {width} hashes long", index=index, where=name)
        return None

    def has_edge_of(self, size: int) -> bool:
        """Whether the leaves are here without which the root of this size cannot be derived."""
        return not size % TILE or size // TILE in self._names.get("0", {})

    def hash_at(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. Raises NotValid when its tile is not here."""
        return tiles_hash_at(self._hashes)(level, index)

    def _hashes(self, level: int, number: int) -> bytes:
        found = self._upper.get(level, {}).get(number) if level else self._read(0, number)
        if found is None:
            raise NotValid(f"{tile_path(level, number)} is missing or damaged")
        return found

    def leaves(self) -> Iterator[tuple[int, bytes | None, list[bytes] | None]]:
        """(number, leaf hashes, entries) of each tile at the bottom that has either, in order."""
        bottom = self._names.get("0", {})
        for number in sorted(bottom.keys() | self.bundles.keys() | self._edges):
            hashes = self._read(0, number)
            if number not in bottom:
                self._missing(0, number)
            elif hashes is not None:
                self._compare_with_parent(0, number, hashes)
            yield number, hashes, self._entries(number) if number in self.bundles else None

    def _entries(self, number: int) -> list[bytes] | None:
        name, width = self.bundles[number], tile_width(self._size, 0, number)
        data = self._files.read(name, TILE * (2 + 65_535))
        try:
            entries = unpack(data or b"")
            if len(entries) == width:
                return entries
            says = f"{len(entries)} entries instead of {width}"
        except NotValid as error:
            says = str(error)
        if data is not None:
            self._report.add("bundle", says, index=number * TILE, where=name)
        return None

    def compare_upper(self) -> None:
        """Make each tile above the leaves again from the one below."""
        for level, tiles in self._upper.items():
            for number, hashes in tiles.items():
                self._compare_with_parent(level, number, hashes)

    def _compare_with_parent(self, level: int, number: int, hashes: bytes) -> None:
        if len(hashes) < TILE * 32:
            return
        above = self._upper.get(level + 1, {}).get(number // TILE)
        at = number % TILE * 32
        if above is not None and above[at : at + 32] != fold(hashes):
            where = tile_path(level, number)
            says = "its hash is not the one in the tile above"
            self._report.add("tree", says, index=number * TILE << 8 * level, where=where)


def _check_roots(checkpoints: Sequence[Checkpoint], tiles: Tiles, report: Report) -> None:
    """Compare the root of each checkpoint with the tree.

    Two checkpoints whose roots come out of one row of leaves are consistent with each other, so
    this is the consistency proof between every two of them.
    """
    good = 0
    for checkpoint in checkpoints:
        where = f"the checkpoint of size {checkpoint.size}"
        try:
            if root_at(checkpoint.size, tiles.hash_at) == checkpoint.root:
                good = checkpoint.size
                continue
            says = "its root is not that of the events here: they were changed, or history forked"
        except NotValid as error:
            says = f"its root cannot be derived: {error}"
        report.add("root", says, index=min(good, checkpoint.size), where=where)


# --- The events -------------------------------------------------------------------------------


class Events:
    """Checks every header: leaf, spelling, time, identity, writer, content."""

    def __init__(self, policy: Policy, checkpoints: Checkpoints, report: Report) -> None:
        self._report, self._checkpoints = report, checkpoints
        self._late = timedelta(seconds=policy.late_seconds)
        # In a part of the log, a writer's first event may have any number, and events in between
        # may have been left out.
        self._unbroken = len(policy.entries) == 1
        self._whole = self._unbroken and policy.entries[0][0] == 0
        self._headers = Headers()
        self._ids: set[bytes] = set()
        self._counters: dict[bytes, int] = {}
        self._last = b""
        self._earliest, self._latest, self._change = b"", b"", 0
        self.present: list[tuple[int, int]] = []
        self.contents: dict[bytes, int] = {}
        self.count = 0

    def check(self, first: int, hashes: bytes | None, entries: list[bytes]) -> None:
        """Check a bundle, of which `first` is the first index and `hashes` the tile of leaves."""
        leaves = [_sha256(b"\x00" + header).digest() for header in entries]
        if hashes is not None and b"".join(leaves) != hashes:
            for at, header in enumerate(entries):
                if header and leaves[at] != hashes[32 * at : 32 * at + 32]:
                    says = "the header does not hash to its leaf"
                    self._report.add("leaf", says, index=first + at)
        indices: Sequence[int] = range(first, first + len(entries))
        if all(entries):
            self._note_present(first, first + len(entries))
        else:
            indices = [index for index, header in enumerate(entries, first) if header]
            entries = [header for header in entries if header]
            for index in indices:
                self._note_present(index, index + 1)
        said, wrong = self._headers.read_all(entries)
        for at, error in wrong.items():
            self._report.add("header", error, index=indices[at])
        if wrong:
            indices = [index for at, index in enumerate(indices) if at not in wrong]
        if said:
            self._check_said(indices, said)

    def _note_present(self, first: int, end: int) -> None:
        if self.present and self.present[-1][1] == first:
            first = self.present.pop()[0]
        self.present.append((first, end))

    def _check_said(self, indices: Sequence[int], said: Sequence[Said]) -> None:
        """Look at what headers say: at all of a bundle at once, and one by one where that fails."""
        contents, ids, counters, times, writers = zip(*said, strict=True)
        self.count += len(ids)
        if len(new := set(ids)) < len(ids) or not new.isdisjoint(self._ids):
            self._find_twice(indices, ids)
        self._ids |= new
        self._check_times(indices, times)
        for index, writer, counter in zip(indices, writers, counters, strict=True):
            if writer:
                following = int(counter)
                if self._counters.get(writer, 0) + 1 != following:
                    self._check_counter(index, writer, following)
                self._counters[writer] = following
        if any(contents):
            for index, content in zip(indices, contents, strict=True):
                if content:
                    self.contents.setdefault(content, index)

    def _find_twice(self, indices: Sequence[int], ids: Sequence[bytes]) -> None:
        seen: set[bytes] = set()
        for index, one in zip(indices, ids, strict=True):
            if one in seen or one in self._ids:
                self._report.add("twice", f"{one.decode()} was recorded before", index=index)
            seen.add(one)

    def _check_times(self, indices: Sequence[int], times: Sequence[bytes]) -> None:
        """An event's time is near its place: after the last one, between witnesses' sightings."""
        in_order = list(times) == sorted(times) and self._last <= times[0]
        seen = self._earliest <= times[0] and times[-1] <= self._latest
        one_day = times[0][:10] == times[-1][:10] and self._headers.is_day(times[0])
        if in_order and seen and one_day and indices[-1] < self._change:
            self._last = times[-1]
            return
        for index, time in zip(indices, times, strict=True):
            if index >= self._change:
                before, after, self._change = self._checkpoints.bounds(index)
                self._earliest = _stamp(before, -self._late)
                self._latest = _stamp(after, self._late)
            self._check_time(index, time)
            # What no witness can have seen then is no measure for the events after it.
            if self._earliest <= time <= self._latest:
                self._last = max(self._last, time)

    def _check_time(self, index: int, time: bytes) -> None:
        if not self._headers.is_day(time):
            self._report.add("header", "its 'time' is not in the calendar", index=index)
        if time < self._earliest:
            self._report.add("time", "earlier than a witness saw the events before", index=index)
        elif time > self._latest:
            self._report.add("time", "later than a witness saw this event", index=index)
        elif time < self._last:
            said, before = _instant(time.decode()), _instant(self._last.decode())
            if said and before and before - said > self._late:
                self._report.add("time", "long before an event that stands before it", index=index)

    def _check_counter(self, index: int, writer: bytes, counter: int) -> None:
        before = self._counters.get(writer)
        if before is None and not self._whole:
            return
        if before is not None and before < counter and not self._unbroken:
            return
        says = f"{writer.decode()} counts {counter} where {(before or 0) + 1} is next"
        self._report.add("writer", says, index=index)

    @property
    def writers(self) -> int:
        """How many writers there were."""
        return len(self._counters)


def _stamp(seconds: int, shift: timedelta) -> bytes:
    """A witness's time, shifted, as headers spell it; the ends of time for what is beyond."""
    try:
        at = datetime.fromtimestamp(seconds, UTC) + shift
    except (OverflowError, ValueError, OSError):
        return b"~" if seconds > 0 else b""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def _first_outside(ranges: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> int:
    """The first index of `ranges` that is in none of `others`; -1 when there is none."""
    at = 0
    for first, end in ranges:
        while first < end:
            while at < len(others) and others[at][1] <= first:
                at += 1
            if at == len(others) or first < others[at][0]:
                return first
            first = others[at][1]
    return -1


def _check_numbering(policy: Policy, events: Events, size: int, report: Report) -> None:
    """The events that the policy names are here, and no other."""
    if policy.entries and policy.entries[-1][1] > size:
        says = f"the policy names events beyond the tree of {size}"
        report.add("numbering", says, index=size)
    missing = _first_outside(policy.entries, events.present)
    if missing >= 0:
        report.add("numbering", "an event that should be here is missing", index=missing)
    extra = _first_outside(events.present, policy.entries)
    if extra >= 0:
        report.add("numbering", "an event is here that should not be", index=extra)


def _check_contents(policy: Policy, events: Events, files: Files, report: Report) -> int:
    """Each ciphertext is what a header named; gives how many are here."""
    here = {match[1] for match in map(_CONTENT_FILE.fullmatch, files.names) if match}
    for digest in sorted(here):
        index = events.contents.get(digest.encode())
        where = f"content/{digest}"
        if index is None:
            report.add("content", "no event here names this", where=where)
        if files.digest(where) not in ("", digest):
            report.add("content", "not what the event named", index=index, where=where)
    named = ((index, digest.decode()) for digest, index in events.contents.items())
    absent = {index: digest for index, digest in named if digest not in here}
    if absent and policy.content == "all":
        index = min(absent)
        report.add("content", "missing", index=index, where=f"content/{absent[index]}")
        report.damage["content"].count += len(absent) - 1
    if here and policy.content == "none":
        report.add("content", "the policy says that none is here")
    return len(here)


# --- Both checks, put together ----------------------------------------------------------------


def check_export(folder: Path, keys: Policy | None = None, kept: Sequence[str] = ()) -> Report:
    """Check a directory that was exported. `kept` are checkpoints (as text) kept elsewhere."""
    report = Report()
    files = Files(folder, report)
    policy = _policy_of(files, keys)
    if policy is None:
        files.finish()
        return report
    checkpoints = Checkpoints(files, policy)
    size = checkpoints.newest.size if checkpoints.newest else 0
    kept_ones = _read_kept(kept, policy, size, report)
    tiles = Tiles(files, size, [checkpoint.size for checkpoint in checkpoints.all])
    events = Events(policy, checkpoints, report)
    for number, hashes, entries in tiles.leaves():
        if entries is not None:
            events.check(number * TILE, hashes, entries)
    tiles.compare_upper()
    _check_numbering(policy, events, size, report)
    comparable = [one for one in kept_ones if one.size <= size and tiles.has_edge_of(one.size)]
    _check_roots(sorted([*checkpoints.all, *comparable], key=lambda one: one.size), tiles, report)
    contents = _check_contents(policy, events, files, report)
    files.finish()
    report.facts |= _facts(checkpoints, events, keys is not None)
    report.facts |= {"contents": contents, "kept": len(comparable)}
    if keys is None:
        report.notes.append(
            "The keys came with the export. Compare them with a copy that came another way."
        )
    if events.count < size:
        says = (
            f"This is a part of the record: {events.count} of {size} events. The rest is withheld."
        )
        report.notes.append(says)
    if len(comparable) < len(kept_ones) and not report.damage:
        raise CannotCheck(
            "A checkpoint that was kept cannot be compared: this part of the record has no leaves"
            " near it. Ask for an export that begins or ends there."
        )
    return report


def _policy_of(files: Files, keys: Policy | None) -> Policy | None:
    data = files.read("policy.json")
    try:
        if data is None:
            raise NotValid("there is no policy")
        own = read_policy(data)
    except NotValid as error:
        files.report.add("policy", error, where="policy.json")
        return None
    if keys is None:
        return own
    return replace(
        own, origin=keys.origin, log=keys.log, witnesses=keys.witnesses, quorum=keys.quorum
    )


def _read_kept(texts: Sequence[str], policy: Policy, size: int, report: Report) -> list[Checkpoint]:
    kept = []
    for text in texts:
        try:
            checkpoint = read_note(text, (*policy.log, *policy.witnesses))
        except NotValid as error:
            raise CannotCheck(f"The checkpoint that was kept: {error}.") from error
        if checkpoint.origin != policy.origin:
            raise CannotCheck("The checkpoint that was kept is of another log.")
        if checkpoint.size > size:
            says = f"a checkpoint that was kept has {checkpoint.size} events: the end is cut off"
            report.add("shorter", says, index=size)
        kept.append(checkpoint)
    return kept


def _facts(checkpoints: Checkpoints, events: Events, keys_given: bool) -> dict[str, Any]:
    newest = checkpoints.newest
    seen = [one for one in checkpoints.cosigned if newest and one.size == newest.size]
    return {
        "origin": newest.origin if newest else None,
        "size": newest.size if newest else None,
        "root": base64.b64encode(newest.root).decode() if newest else None,
        "signed_by": checkpoints.signed_by,
        "witnesses": {one.vkey: _stamp(one.time, timedelta()).decode() for one in seen},
        "keys": "given" if keys_given else "from the export",
        "checkpoints": len(checkpoints.all),
        "events": events.count,
        "ranges": [list(pair) for pair in events.present[:100]],
        "writers": events.writers,
    }


def read_proof(text: str) -> tuple[bytes, int, list[bytes], str]:
    """(extra data, index, path, checkpoint) of a C2SP tlog-proof. Raises NotValid."""
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[:1] != ["c2sp.org/tlog-proof@v1"] or len(lines) > 70:
        raise NotValid("this is not a c2sp.org/tlog-proof@v1")
    at = 1
    extra = b""
    if len(lines) > at and lines[at].startswith("extra "):
        extra = _unbase64(lines[at][6:], "the extra data")
        at += 1
    index = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[at] if len(lines) > at else "")
    if index is None:
        raise NotValid("the proof names no index")
    path = [_unbase64(line, "the path") for line in lines[at + 1 :]]
    return extra, int(index[1]), path, note


def check_proof(text: str, keys: Policy | None = None) -> Report:
    """Check one event's proof: its header and the keys stand in the extra data."""
    report = Report()
    try:
        extra, index, path, note = read_proof(text)
        said = read_json(extra)
        header = said.get("header")
        if said.keys() != {"header", "policy"} or not isinstance(header, str):
            raise NotValid("the extra data is not a header and a policy")
        policy = keys or read_policy(canonical(said["policy"]))
    except (NotValid, UnicodeEncodeError) as error:
        report.add("proof", error)
        return report
    try:
        event = read_header(header.encode())
        report.facts |= {"index": index, "event": event}
    except NotValid as error:
        report.add("header", error, index=index)
    try:
        checkpoint = read_note(note, (*policy.log, *policy.witnesses))
    except NotValid as error:
        report.add("signature", error, index=index)
        return report
    _check_proven(policy, checkpoint, report)
    if not verify_inclusion(
        leaf_hash(header.encode()), index, checkpoint.size, path, checkpoint.root
    ):
        report.add("leaf", "the event does not stand at this place of the signed tree", index=index)
    if keys is None:
        report.notes.append(
            "The keys came with the proof. Compare them with a copy that came another way."
        )
    return report


def _check_proven(policy: Policy, checkpoint: Checkpoint, report: Report) -> None:
    signed = [one.key.vkey for one in checkpoint.signatures if one.time is None]
    seen = {one.key.vkey: one.time for one in checkpoint.signatures if one.time is not None}
    if checkpoint.origin != policy.origin:
        report.add("checkpoint", "the origin is not the policy's")
    if not signed:
        report.add("signature", "the log has not signed this checkpoint")
    if len(seen) < policy.quorum:
        report.add("quorum", f"{len(seen)} of {policy.quorum} witnesses have seen the checkpoint")
    report.facts |= {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "signed_by": signed,
        "witnesses": {key: _stamp(time, timedelta()).decode() for key, time in seen.items()},
    }


# --- The command ------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the command line names; print what was found; give the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_proof = words[:1] == ["proof"]
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Check an exported record, or (proof FILE) one event's proof."
    )
    parser.add_argument("path", help="the export's folder, or the proof")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keys", help="a policy.json that came another way; its keys are used")
    parser.add_argument("--kept", action="append", default=[], help="a checkpoint kept elsewhere")
    chosen = parser.parse_args(words[1:] if is_proof else words)
    try:
        keys = read_policy(_read_file(chosen.keys)) if chosen.keys else None
        kept = [_read_file(name).decode(errors="replace") for name in chosen.kept]
        if is_proof:
            report = check_proof(_read_file(chosen.path).decode(errors="replace"), keys)
        else:
            report = check_export(Path(chosen.path), keys, kept)
    except (CannotCheck, NotValid) as error:
        sys.stderr.write(_plain(f"{error}\n"))
        if chosen.json:
            sys.stdout.write(json.dumps({"verdict": "not checked", "reason": str(error)}) + "\n")
        return 2
    sys.stdout.write(_as_json(report) if chosen.json else _as_text(report))
    return 1 if report.damage else 0


def _read_file(name: str) -> bytes:
    try:
        with os.fdopen(os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            data = file.read(_SMALL + 1)
    except OSError as error:
        raise CannotCheck(f"{name} cannot be read: {error.strerror}.") from error
    if len(data) > _SMALL:
        raise CannotCheck(f"{name} is too long to be what it should be.")
    return data


def _as_json(report: Report) -> str:
    verdict = "damaged" if report.damage else "good"
    found = [asdict(damage) for damage in report.damage.values()]
    said = {"verdict": verdict, **report.facts, "damage": found, "notes": report.notes}
    return json.dumps(said) + "\n"


def _as_text(report: Report) -> str:
    lines = [
        f"{name.replace('_', ' ')}: {_told(name, value)}" for name, value in report.facts.items()
    ]
    lines += report.notes
    for damage in report.damage.values():
        index = "" if damage.index is None else f" first at event {damage.index};"
        where = f" ({damage.where})" if damage.where else ""
        lines.append(f"DAMAGE {damage.kind}:{index} {damage.says}{where}; {damage.count} found")
    lines.append("Damaged." if report.damage else "Everything holds.")
    return "".join(_plain(line) + "\n" for line in lines)


def _told(name: str, value: Any) -> str:
    if name == "ranges":
        value = [f"{first} to {end - 1}" for first, end in value]
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _plain(text: str) -> str:
    """Text of strangers, without what could steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


if __name__ == "__main__":
    sys.exit(main())
