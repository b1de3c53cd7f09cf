"""An event is written with everything it says, a salt, and an id that orders by time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar
from uuid import uuid4

import pytest

from compliance import canonical, header
from compliance.events import Context, Event, SignedOut
from compliance.shape import NotAnEvent

NOW = datetime(2026, 11, 24, 9, 30, 0, 123, tzinfo=UTC)


def test_it_says_everything_in_one_spelling() -> None:
    context = Context(actor=uuid4(), session=uuid4(), request=uuid4(), matter=uuid4())
    account = uuid4()
    written = header.write(SignedOut(object=account), context=context, now=NOW)
    said = canonical.decode(written.data)
    assert isinstance(said, dict)
    salt = said.pop("salt")
    assert isinstance(salt, str)
    assert len(bytes.fromhex(salt)) == header.SALT_BYTES
    assert said == {
        "v": 1,
        "id": str(written.event_id),
        "type": "account.signed_out",
        "time": "2026-11-24T09:30:00.000123Z",
        "actor": str(context.actor),
        "session": str(context.session),
        "request": str(context.request),
        "object": str(account),
        "matter": str(context.matter),
        "outcome": "done",
        "fields": {},
    }


def test_the_same_event_twice_gives_different_bytes() -> None:
    event, same_id = SignedOut(object=uuid4()), uuid4()
    first, second = (
        header.write(event, context=Context(), now=NOW, event_id=same_id) for _ in range(2)
    )
    assert first.data != second.data


def test_times_are_written_in_utc() -> None:
    paris = NOW.astimezone(timezone(timedelta(hours=1)))
    written = header.write(SignedOut(), context=Context(), now=paris)
    assert b'"time":"2026-11-24T09:30:00.000123Z"' in written.data


def test_an_event_outside_the_catalogue_is_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Invented(Event):
        type: ClassVar[str] = "invented.here"

    with pytest.raises(NotAnEvent):
        header.write(Invented(), context=Context(), now=NOW)


def test_ids_order_by_time() -> None:
    ids = [header.new_event_id(NOW + timedelta(milliseconds=step)) for step in range(100)]
    assert ids == sorted(ids)
    assert {identifier.version for identifier in ids} == {7}
    assert {identifier.variant for identifier in ids} == {"specified in RFC 4122"}
