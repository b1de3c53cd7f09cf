"""The reading process: waits for files, and reads each one in a confined child of its own.

The waiting process imports the readers once and never looks at a file. For each file it forks,
which takes milliseconds; the child gives up what it does not need, reads, answers through a pipe
and ends. So nothing of one file can touch the next.
"""

import gc
import json
import os
import signal
import socket
import sys
import sysconfig
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from assistant.documents.parse import confine, drawing, wire
from assistant.documents.parse.kinds import format_of
from assistant.documents.parse.values import Cause, Limits, Rejected

REQUEST_BYTES = 1024 * 1024
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/etc/fonts"))


def serve(channel: socket.socket) -> None:
    """Reads files until the other side closes. Each request brings a file and a pipe to answer."""
    confine.die_with_parent()
    network = confine.leave_network()
    gc.collect()
    gc.freeze()
    channel.sendall(json.dumps({"network": network}).encode() + b"\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, REQUEST_BYTES, 2)
        if not message or len(descriptors) != 2:
            return
        source, answer = descriptors
        child = os.fork()
        if child == 0:
            channel.close()
            _read_and_exit(json.loads(message), source, answer)
        os.close(source)
        os.close(answer)
        _, status, usage = os.wait4(child, 0)
        ended = {"exit": os.waitstatus_to_exitcode(status), "peak_kib": usage.ru_maxrss}
        channel.sendall(json.dumps(ended).encode() + b"\n")


def _read_and_exit(request: dict[str, Any], source: int, answer: int) -> NoReturn:
    """The child: confines itself, does one job, writes the answer, ends."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    confine.die_with_parent()
    limits = Limits(**request["limits"])
    measures = confine.confine(limits, readable=_readable())
    with os.fdopen(source, "rb") as file, os.fdopen(answer, "wb") as pipe:
        try:
            content = _work(request, file, limits, measures)
        except Rejected as rejected:
            content = wire.pack_rejected(rejected)
        except MemoryError:
            content = wire.pack_rejected(too_costly())
        except Exception:
            # A reader tripped over the file. Nothing is known about why, and nothing is retried.
            content = wire.pack_rejected(unreadable())
        pipe.write(content)
    os._exit(0)


def _work(
    request: dict[str, Any], file: BinaryIO, limits: Limits, measures: dict[str, bool]
) -> bytes:
    match request["do"]:
        case "read":
            found = format_of(file, request["name"], limits)
            return wire.pack_parsed(found.read(file, limits))
        case "draw":
            return drawing.draw(
                file, request["page"], spans=request["spans"], width_px=request["width_px"]
            )
        case _:
            return wire.pack(dict(measures))


def too_costly() -> Rejected:
    """The refusal for a file that asks for too much memory."""
    return Rejected(
        "The file needs more memory than one file may use. Save it as PDF, or split it, and "
        "upload that.",
        cause=Cause.BOMB,
    )


def unreadable() -> Rejected:
    """The refusal for a file that no reader could make sense of."""
    return Rejected(
        "The file could not be read; it is probably damaged. Open it, save it again and upload "
        "the new copy.",
        cause=Cause.DAMAGED,
    )


def _readable() -> list[Path]:
    """What Python itself and the drawing of pages need to read: the libraries and the fonts."""
    paths = sysconfig.get_paths()
    return [
        *{Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
        *FONT_FOLDERS,
    ]


def main() -> None:
    """Entry point: the channel is the file descriptor named on the command line."""
    # The parent's interrupt is not ours: it closes the channel, and then we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        serve(channel)
