"""The catalogue as a table for docs/compliance.md: `python -m compliance.catalogue`."""

import inspect
import sys
from dataclasses import fields

from compliance.events import CATALOGUE, Event

_SHARED = frozenset({"object", "outcome"})


def table() -> str:
    """Every event with its meaning, usual outcome and fields, as a Markdown table."""
    rows = ["| Event | Recorded when | Outcome | Fields |", "|---|---|---|---|"]
    rows += [_row(CATALOGUE[name]) for name in sorted(CATALOGUE)]
    return "\n".join(rows)


def _row(kind: type[Event]) -> str:
    meaning = " ".join((inspect.getdoc(kind) or "").split())
    own = [field.name for field in fields(kind) if field.name not in _SHARED]
    outcome = next(field.default for field in fields(kind) if field.name == "outcome")
    named = ", ".join(f"`{name}`" for name in own)
    return f"| `{kind.type}` | {meaning} | {outcome} | {named} |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
