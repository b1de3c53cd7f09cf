"""Parts of an event's content that are kept locked. Opening them is another page's work."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID


def locked_parts(event_id: UUID) -> Sequence[Any]:
    """The locked parts of an event's content, each with a `name` and a `size` in bytes.

    None where this installation keeps no content beside the record.
    """
    if find_spec("compliance.content") is None:
        return ()
    parts: Sequence[Any] = import_module("compliance.content").locked_parts(event_id)
    return parts
