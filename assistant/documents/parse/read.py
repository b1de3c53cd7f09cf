"""The one door to the readers: a file goes in, its text or a reason comes out."""

import os
from pathlib import Path

from assistant.documents.parse import sandbox, wire
from assistant.documents.parse.values import MEBIBYTE, Cause, Limits, Parsed, Rejected


def read_file(path: Path | str, *, name: str | None = None, limits: Limits | None = None) -> Parsed:
    """The file as text, read in a confined process.

    `name` is the name the sender gave; the default is the path's own. Raises `Rejected` with a
    sentence for the sender, `ParserUnavailable` if the sandbox does not work, and `OSError` if
    the file cannot be opened. It returns within `limits.wall_seconds` and a few seconds.
    """
    limits = limits or Limits()
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Rejected("The file is empty.", cause=Cause.EMPTY)
        if size > limits.file_bytes:
            raise Rejected(
                f"The file has {size // MEBIBYTE:,} MB; at most {limits.file_bytes // MEBIBYTE:,} "
                "MB are allowed. Split it and upload the parts.",
                cause=Cause.TOO_LARGE,
            )
        request = {"do": "read", "name": name or Path(path).name}
        header, body = sandbox.run(file, request, limits)
    try:
        return wire.unpack_parsed(header, body)
    except wire.BadAnswer as error:
        raise Rejected(
            "The file made its reader answer nonsense; it is damaged or made to do harm. Open it, "
            "save it again and upload the new copy.",
            cause=Cause.DAMAGED,
        ) from error
