"""How the sandbox answers: one JSON header with a length before it, then bytes.

Both sides use this module. What comes from the reading process is checked like any other input.
"""

import json
import struct
from typing import Any

from assistant.documents.parse.values import Cause, Page, PageState, Parsed, Rejected

LENGTH = struct.Struct(">I")


class BadAnswer(Exception):
    """The reading process sent something that is not an answer."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """An answer as bytes."""
    encoded = json.dumps(header).encode()
    return LENGTH.pack(len(encoded)) + encoded + body


def unpack(answer: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the body. Raises `BadAnswer`."""
    if len(answer) < LENGTH.size:
        raise BadAnswer
    (length,) = LENGTH.unpack_from(answer)
    try:
        header = json.loads(answer[LENGTH.size : LENGTH.size + length])
    except ValueError as error:
        raise BadAnswer from error
    if not isinstance(header, dict):
        raise BadAnswer
    return header, answer[LENGTH.size + length :]


def pack_parsed(parsed: Parsed) -> bytes:
    """A text as an answer."""
    header = {
        "kind": parsed.kind,
        "paged": parsed.paged,
        "notes": parsed.notes,
        "pages": [[page.number, page.start, page.end, page.state] for page in parsed.pages],
    }
    return pack(header, parsed.text.encode())


def unpack_parsed(header: dict[str, Any], body: bytes) -> Parsed:
    """The text from an answer, its pages checked against it. Raises `BadAnswer`."""
    try:
        text = body.decode()
        pages = tuple(
            Page(number=int(number), start=int(start), end=int(end), state=PageState(state))
            for number, start, end, state in header["pages"]
        )
        parsed = Parsed(
            text=text,
            pages=pages,
            kind=str(header["kind"]),
            paged=bool(header["paged"]),
            notes=tuple(str(note) for note in header["notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer from error
    end = 0
    for number, page in enumerate(pages, start=1):
        if page.number != number or not end <= page.start <= page.end <= len(text):
            raise BadAnswer
        end = page.end
    return parsed


def pack_rejected(rejected: Rejected) -> bytes:
    """A refusal as an answer."""
    return pack({"rejected": rejected.reason, "cause": rejected.cause})


def raise_if_rejected(header: dict[str, Any]) -> None:
    """Raises the `Rejected` that the header holds, if it holds one."""
    if "rejected" in header:
        causes = {each.value: each for each in Cause}
        cause = causes.get(str(header.get("cause")), Cause.DAMAGED)
        raise Rejected(str(header["rejected"]), cause=cause)
