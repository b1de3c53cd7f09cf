"""Whole messages over a pair of pipes, with a time limit for each."""

import os
import select
import struct
from time import monotonic

_LENGTH = struct.Struct(">I")
PIECE_BYTES = 64 * 1024


class Pipe:
    """Reads and writes messages: four bytes of length, big-endian, then as many bytes.

    Raises EOFError when the other side has closed or died, TimeoutError when it is too slow; the
    pipe is of no use after either. Both descriptors belong to the caller, who closes them.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        # A reader that hangs leaves the pipe full, and a blocking write would hang with it.
        os.set_blocking(sink, False)

    def ask(self, message: bytes, seconds: float) -> bytes:
        """Write a message and return the next one that comes, all within `seconds`."""
        until = monotonic() + seconds
        self.write(message, seconds)
        return self.read(until - monotonic())

    def read(self, seconds: float) -> bytes:
        """Return the next message, whole."""
        until = monotonic() + seconds
        (size,) = _LENGTH.unpack(self._exactly(_LENGTH.size, until))
        return self._exactly(size, until)

    def write(self, message: bytes, seconds: float) -> None:
        """Hand over a message, whole."""
        until = monotonic() + seconds
        unsent = memoryview(_LENGTH.pack(len(message)) + message)
        while unsent:
            _, writable, _ = select.select([], [self._sink], [], max(until - monotonic(), 0))
            if not writable:
                raise TimeoutError
            try:
                unsent = unsent[os.write(self._sink, unsent[:PIECE_BYTES]) :]
            except BlockingIOError:
                continue  # There was room for a little, not for a whole page.
            except BrokenPipeError:
                raise EOFError from None

    def is_silent(self) -> bool:
        """Say whether nothing is there to be read, not even an end."""
        return not select.select([self._source], [], [], 0)[0]

    def _exactly(self, size: int, until: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            readable, _, _ = select.select([self._source], [], [], max(until - monotonic(), 0))
            if not readable:
                raise TimeoutError
            piece = os.read(self._source, min(size - len(received), 16 * PIECE_BYTES))
            if not piece:
                raise EOFError
            received += piece
        return bytes(received)
