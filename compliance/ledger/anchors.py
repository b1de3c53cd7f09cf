"""Put signed heads where the database's administrator cannot reach them.

A file that is only appended to, and a line to syslog; for paper see paper.py. Each head
that stands elsewhere holds everything before it.
"""

import logging
import logging.handlers
import time
from dataclasses import dataclass, field
from pathlib import Path

from compliance.ledger.place import append
from compliance.verify import split_note

EVERY_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Anchors:
    """Where heads go. `syslog` is empty, a socket's path, or host:port (UDP)."""

    file: Path
    syslog: str = ""
    _last: float = field(default=float("-inf"))

    def keep(self, note: str) -> None:
        """Put a head there; under load not every one, but at least one in ten seconds."""
        if time.monotonic() - self._last < EVERY_SECONDS:
            return
        self._last = time.monotonic()
        append(self.file, note.encode() + b"\n")
        if self.syslog:
            to_syslog(self.syslog, note)


def to_syslog(address: str, note: str) -> None:
    """Send one line that holds the whole head. A server that is away is not waited for."""
    host, _, port = address.rpartition(":")
    where = (host, int(port)) if host and port.isdigit() else address
    try:
        handler = logging.handlers.SysLogHandler(
            address=where, facility=logging.handlers.SysLogHandler.LOG_AUTHPRIV
        )
    except OSError:
        logging.getLogger("anchors").warning("syslog at %s does not answer", address)
        return
    handler.ident = "cloister-ledger: "
    record = logging.makeLogRecord({"msg": one_line(note), "levelno": logging.INFO})
    handler.emit(record)
    handler.close()


def one_line(note: str) -> str:
    """A signed head in one line: its lines, parted by bars."""
    return "|".join(line for line in note.split("\n") if line)


def from_one_line(line: str) -> str:
    """The signed head that was made one line. Raises ValueError when it is none."""
    lines = line.strip().split("|")
    first = next((at for at, text in enumerate(lines) if text.startswith("— ")), len(lines))
    note = "\n".join([*lines[:first], "", *lines[first:]]) + "\n"
    split_note(note)
    return note
