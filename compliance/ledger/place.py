"""Where the ledger's files are: keys, state, what others may read."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Folders and files, all below the data folder of an installation."""

    home: Path

    @property
    def public(self) -> Path:
        """Public keys, heads that were signed, what was verified: for everybody to read."""
        return self.home / "ledger"

    @property
    def signer(self) -> Path:
        """The signer's keys and its memory: for its account alone."""
        return self.home / "signer"

    @property
    def witnesses(self) -> Path:
        """The witnesses to ask, one a line: a verification key, and an address or nothing."""
        return self.public / "witnesses"

    @property
    def anchor(self) -> Path:
        """Every signed head, appended; copy it elsewhere."""
        return self.public / "checkpoints.txt"

    @property
    def head(self) -> Path:
        """The newest head, written by the signer itself."""
        return self.public / "head.json"

    @property
    def verified(self) -> Path:
        """Up to where the record was verified last."""
        return self.public / "verified.json"

    @property
    def writer_secret(self) -> Path:
        """What the application and the signer share, so that nobody else opens writer chains."""
        return self.home / "secrets" / "ledger_writer"


def from_environment() -> Place:
    """The place of the installation that this process belongs to."""
    return Place(home=Path(os.environ.get("CLOISTER_HOME") or "var"))


def made_once(path: Path, make: "bytes | None" = None) -> bytes:
    """A file's bytes, made on first use (32 random ones), readable by its owner alone.

    Of two processes that start at once both read the whole of the first one's bytes.
    """
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(make if make is not None else secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return path.read_bytes()


def replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step, on the disk before this returns."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _keep_name(path.parent)


def append(path: Path, data: bytes) -> None:
    """Add to a file, on the disk before this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
