"""Messages between a worker and its embedding process arrive whole, or not at all and in time."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from inference.pipe import Pipe

PIPE_BYTES = 65536


@pytest.fixture
def ends() -> Iterator[tuple[Pipe, Pipe, list[int]]]:
    """Two ends that hear each other, and their descriptors: ours to read, write; theirs."""
    our_source, their_sink = os.pipe()
    their_source, our_sink = os.pipe()
    descriptors = [our_source, our_sink, their_source, their_sink]
    yield Pipe(our_source, our_sink), Pipe(their_source, their_sink), descriptors
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:
            continue  # The test closed it.


Ends = tuple[Pipe, Pipe, list[int]]


@pytest.mark.parametrize("size", [0, 1, PIPE_BYTES - 4, PIPE_BYTES, 3_000_000])
def test_a_message_arrives_whole(ends: Ends, size: int) -> None:
    ours, theirs, _ = ends
    message = os.urandom(size)
    writer = threading.Thread(target=ours.write, args=(message, 5))
    writer.start()
    assert theirs.read(5) == message
    writer.join()


def test_a_reader_that_hangs_is_noticed_in_time(ends: Ends) -> None:
    ours, _, _ = ends
    ours.write(b"x" * 10_000, 1)  # Leaves less room than the next piece needs.
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        ours.write(b"x" * 200_000, 0.2)
    assert time.monotonic() - started < 1


def test_a_writer_that_stops_in_mid_message_is_noticed_in_time(ends: Ends) -> None:
    ours, _, descriptors = ends
    os.write(descriptors[3], b"\x00\x00\x00\x09half")
    with pytest.raises(TimeoutError):
        ours.read(0.2)


def test_a_closed_end_is_an_end_for_reader_and_writer(ends: Ends) -> None:
    ours, _, descriptors = ends
    os.close(descriptors[2])
    os.close(descriptors[3])
    assert not ours.is_silent()
    with pytest.raises(EOFError):
        ours.read(1)
    with pytest.raises(EOFError):
        ours.write(b"anyone there?", 1)


def test_it_is_silent_until_something_is_said(ends: Ends) -> None:
    ours, theirs, _ = ends
    assert ours.is_silent()
    theirs.write(b"hello", 1)
    assert not ours.is_silent()
