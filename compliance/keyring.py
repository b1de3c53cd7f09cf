"""Keys for the content of events, each for one event, kept in a store apart from the database.

The store is a folder of small files. A process cuts keys ahead in a batch, one new file, and uses
them one by one out of its memory. So recording an event touches no disk here, a key that a dead
process had left is never used at all, and any number of processes cut at once without a lock.

    <folder>/<5 digits>/<28 digits>.keys     slots of 60 bytes: nonce, wrapped key, tag

A key's id is the 14 bytes that name the file, and 2 bytes for the slot. Wrapped is AES-256-GCM
under a key made of the installation's secret, with the id as additional data. Destroying a key
overwrites its slot in place with zeros. There is no journal and no freed page where a key could
linger. What a medium or a file system keeps of overwritten blocks is under the secret still.
"""

import hashlib
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.sealed import KEY_BYTES
from compliance.shape import ComplianceError

FIRST_BATCH = 8
"""A command that records one event does not leave hundreds of keys behind."""

LARGEST_BATCH = 256

_NONCE_BYTES = 12
SLOT_BYTES = _NONCE_BYTES + KEY_BYTES + 16
_GONE = bytes(SLOT_BYTES)

logger = logging.getLogger(__name__)


class KeysUnavailable(ComplianceError):
    """The key store cannot be written or read."""


class NoKey(ComplianceError):
    """The store holds no such key: it is another store, or it was restored from before the key."""


class KeyDestroyed(ComplianceError):
    """The key was destroyed on purpose; what it sealed is gone."""


class WrongSecret(ComplianceError):
    """The key is there and cannot be unwrapped: the secret is another, or the file is damaged."""


class Key(NamedTuple):
    """A key for one event, and the id by which the store finds it."""

    id: UUID
    key: bytes


class KeyStore:
    """The folder of keys. Nothing in it is ever written twice, except by destroying."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.folder = folder
        self._wrapping = AESGCM(hashlib.sha256(b"cloister.content.v1" + secret.encode()).digest())

    def cut(self, count: int) -> list[Key]:
        """Make keys, durable before this returns. Raises KeysUnavailable."""
        batch = int(time.time() * 1000).to_bytes(6, "big") + secrets.token_bytes(8)
        cut = [
            Key(UUID(bytes=batch + slot.to_bytes(2, "big")), secrets.token_bytes(KEY_BYTES))
            for slot in range(count)
        ]
        slots = b"".join(self._wrapped(key) for key in cut)
        path = self._path(batch)
        try:
            self._make_folders(path.parent)
            with open(path, "xb", opener=_owner_only) as file:
                file.write(slots)
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(path.parent)
        except OSError as error:
            raise KeysUnavailable(
                f"The key store {self.folder} cannot be written ({error.strerror})."
            ) from error
        return cut

    def find(self, key_id: UUID) -> bytes:
        """A key by its id. Raises NoKey, KeyDestroyed, WrongSecret and KeysUnavailable."""
        path, slot = self._place(key_id)
        try:
            with path.open("rb") as file:
                file.seek(slot * SLOT_BYTES)
                found = file.read(SLOT_BYTES)
        except FileNotFoundError as error:
            raise NoKey("The key store holds no key for this content.") from error
        except OSError as error:
            raise KeysUnavailable(
                f"The key store {self.folder} cannot be read ({error.strerror})."
            ) from error
        if len(found) < SLOT_BYTES:
            raise NoKey("The key store holds no key for this content.")
        if found == _GONE:
            raise KeyDestroyed("The key of this content was destroyed.")
        try:
            return self._wrapping.decrypt(
                found[:_NONCE_BYTES], found[_NONCE_BYTES:], key_id.bytes
            )
        except InvalidTag as error:
            raise WrongSecret(
                "The key of this content cannot be unwrapped. Check CLOISTER_CONTENT_KEY."
            ) from error

    def destroy(self, key_ids: Iterable[UUID]) -> int:
        """Overwrite keys; returns how many were there. Safe to repeat. Raises KeysUnavailable."""
        batches: dict[Path, list[int]] = {}
        for key_id in key_ids:
            path, slot = self._place(key_id)
            batches.setdefault(path, []).append(slot)
        try:
            return sum(_overwrite(path, slots) for path, slots in batches.items())
        except OSError as error:
            raise KeysUnavailable(
                f"Not every key could be destroyed ({error.strerror}). Repeat it."
            ) from error

    def _wrapped(self, key: Key) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key.key, key.id.bytes)

    def _path(self, batch: bytes) -> Path:
        name = batch.hex()
        return self.folder / name[:5] / f"{name}.keys"

    def _place(self, key_id: UUID) -> tuple[Path, int]:
        return self._path(key_id.bytes[:14]), int.from_bytes(key_id.bytes[14:], "big")

    def _make_folders(self, folder: Path) -> None:
        """The folder of a batch. Raises KeysUnavailable when others can enter the store."""
        if not folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self.folder)
        held = self.folder.stat()
        if held.st_uid != os.geteuid() or held.st_mode & 0o077:
            raise KeysUnavailable(
                f"The key store {self.folder} must belong to this account and be closed to all "
                "others (chmod 700)."
            )


class Ring:
    """The keys a process has ready. Threads share it; a fork begins with an empty one."""

    def __init__(self, store: KeyStore) -> None:
        self.store = store
        self._empty()

    def take(self) -> Key:
        """A key that nobody else has and nobody will get again. Raises KeysUnavailable."""
        if self._process != os.getpid():
            # These keys are the parent's, and so is the state of its lock.
            self._empty()
        try:
            key = self._ready.popleft()
        except IndexError:
            return self._take_new()
        if len(self._ready) * 4 <= self._size and self._refilling.acquire(blocking=False):
            threading.Thread(target=self._refill, daemon=True, name="content keys").start()
        return key

    def _empty(self) -> None:
        self._ready: deque[Key] = deque()
        self._size = FIRST_BATCH
        self._refilling = threading.Lock()
        # Last: another thread that finds itself at home must find the new keys.
        self._process = os.getpid()

    def _take_new(self) -> Key:
        first, *others = self.store.cut(self._size)
        self._ready.extend(others)
        return first

    def _refill(self) -> None:
        """Cut more before the last is used, so that nobody waits for the disk."""
        try:
            # A process that needs many gets many at once.
            self._size = min(self._size * 4, LARGEST_BATCH)
            self._ready.extend(self.store.cut(self._size))
        except KeysUnavailable as error:
            # Whoever needs a key when there is none left is told.
            logger.error("no keys were cut ahead: %s", error)
        finally:
            self._refilling.release()


def _overwrite(path: Path, slots: list[int]) -> int:
    """Put zeros over slots of a batch; returns how many held a key."""
    try:
        with path.open("r+b", buffering=0) as file:
            held = file.read()
            found = [slot for slot in slots if _slot(held, slot) not in (_GONE, b"")]
            for slot in found:
                os.pwrite(file.fileno(), _GONE, slot * SLOT_BYTES)
            os.fsync(file.fileno())
    except FileNotFoundError:
        return 0
    return len(found)


def _slot(held: bytes, slot: int) -> bytes:
    return held[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES]


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
