"""Uploaded bytes, stored once under their SHA-256. Names that people gave are never paths."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

PIECE_BYTES = 256 * 1024


class TooLarge(Exception):
    """The file passes the limit; nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes in the store."""

    sha256: str
    size: int


def path_of(sha256: str) -> Path:
    """Where the bytes with this digest are."""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a file piece by piece, as they are sent; never all of them in memory."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece


def store(chunks: Iterable[bytes], *, limit: int) -> Blob:
    """Write bytes to the store as they come; raises TooLarge beyond `limit` bytes.

    The file is complete and on disk before it gets its name, so a crash leaves no half blob.
    """
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=root, prefix=".incoming-", delete=False) as draft:
        draft_path = Path(draft.name)
        try:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge
                digest.update(chunk)
                draft.write(chunk)
            draft.flush()
            os.fsync(draft.fileno())
        except BaseException:
            draft_path.unlink()
            raise
    target = path_of(digest.hexdigest())
    target.parent.mkdir(exist_ok=True, mode=0o700)
    draft_path.replace(target)
    return Blob(sha256=digest.hexdigest(), size=size)
