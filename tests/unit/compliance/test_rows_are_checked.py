"""A row that is shown is compared with what its header says; what was altered is named."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from compliance import header
from compliance.console.integrity import State, mark
from compliance.events import Context, SignedOut
from compliance.models import RecordedEvent

NOW = datetime(2026, 11, 24, 12, 30, 15, 250_000, tzinfo=UTC)


def row(**changes: Any) -> RecordedEvent:
    """An event as the database keeps it, with columns altered."""
    context = Context(actor=uuid4(), session=uuid4(), request=uuid4(), matter=uuid4())
    account = uuid4()
    written = header.write(SignedOut(object=account), context=context, now=NOW)
    values: dict[str, Any] = {
        "event_id": written.event_id,
        "recorded_at": NOW,
        "type": "account.signed_out",
        "actor": context.actor,
        "session": context.session,
        "request": context.request,
        "object": account,
        "matter": context.matter,
        "outcome": "done",
        "header": written.data,
        "leaf": hashlib.sha256(b"\0" + written.data).digest(),
    }
    return RecordedEvent(**(values | changes))


def test_a_row_as_it_was_recorded_is_sound() -> None:
    event = row()
    assert mark(event, None, 0).state is State.WAITING
    assert mark(event, (7, bytes(event.leaf)), 7).state is State.NUMBERED
    assert mark(event, (7, bytes(event.leaf)), 8).state is State.SIGNED


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", uuid4()),
        ("actor", None),
        ("session", uuid4()),
        ("request", uuid4()),
        ("object", uuid4()),
        ("matter", None),
        ("event_id", uuid4()),
        ("type", "account.signed_in"),
        ("outcome", "failed"),
        ("recorded_at", NOW.replace(day=23)),
    ],
)
def test_a_column_that_was_altered_is_named(column: str, value: Any) -> None:
    found = mark(row(**{column: value}), None, 0)
    assert found.state is State.BROKEN
    assert ("time" if column == "recorded_at" else column) in found.damage


def test_a_header_that_was_altered_is_found() -> None:
    event = row()
    forged = bytes(event.header).replace(b"signed_out", b"signed_in_")
    assert mark(row(header=forged, leaf=event.leaf), None, 0).state is State.BROKEN
    # Its leaf was made anew: then it is not the one in the tree.
    anew = row(header=forged, leaf=hashlib.sha256(b"\0" + forged).digest())
    found = mark(anew, (3, bytes(event.leaf)), 9)
    assert found.state is State.BROKEN
    assert "numbered" in found.damage
