"""Rows of the record are never changed, and read by auditors alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from compliance import header, log
from compliance.events import Context, SignedOut
from compliance.models import Mention, RecordedEvent
from tests.integration.compliance.readers import Person

TABLES = ("compliance_event", "compliance_mention")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET event_id = NULL"]
)
def test_the_owner_cannot_change_it(
    owner: Callable[..., list[tuple[Any, ...]]], table: str, statement: str
) -> None:
    with pytest.raises(DatabaseError, match="the record only grows"):
        owner(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM compliance_event",
        "UPDATE compliance_event SET type = 'a.b'",
        "TRUNCATE compliance_event",
        "DELETE FROM compliance_pending",
        "SELECT FROM compliance_pending",
        "INSERT INTO compliance_mention VALUES (gen_random_uuid(), gen_random_uuid())",
        "INSERT INTO compliance_event (header, leaf) VALUES ('x', 'x')",
        "INSERT INTO compliance_event (header, recorded_at) VALUES ('x', now())",
        "ALTER TABLE compliance_event DISABLE TRIGGER ALL",
    ],
)
def test_the_application_may_do_nothing_but_insert_a_header(database: Any, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
    ):
        connection.cursor().execute(statement)


@pytest.mark.parametrize("bad", [b"", b"\xff", b"{}", b'{"v":1}', b"[]", b'{"v":2,"type":"a.b"}'])
def test_the_database_refuses_what_is_not_a_header(database: Any, bad: bytes) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute("INSERT INTO compliance_event (header) VALUES (%s)", [bad])


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_database_refuses_a_time_that_is_not_now(database: Any, minutes: int) -> None:
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    late = header.write(SignedOut(), context=Context(), now=then)
    with pytest.raises(DatabaseError, match="in time"), transaction.atomic():
        connection.cursor().execute(
            "INSERT INTO compliance_event (header) VALUES (%s)", [late.data]
        )


def test_triggers_fire_in_replication_mode_too(
    owner: Callable[..., list[tuple[Any, ...]]],
) -> None:
    modes = owner(
        "SELECT tgenabled FROM pg_trigger WHERE NOT tgisinternal"
        " AND tgrelid IN ('compliance_event'::regclass, 'compliance_mention'::regclass)"
    )
    assert modes == [("A",)] * 3


def test_auditors_read_and_others_do_not(auditor: Person, staff: Person) -> None:
    with staff.entered():
        event_id = log.append(SignedOut(object=staff.id), context=Context(actor=staff.id))
    with auditor.entered():
        assert RecordedEvent.objects.filter(pk=event_id).exists()
        assert Mention.objects.filter(event_id=event_id).exists()
    with staff.entered():
        assert not RecordedEvent.objects.exists()
        assert not Mention.objects.exists()
    assert not RecordedEvent.objects.exists()


def test_the_owner_does_not_read_it_either(
    auditor: Person, owner: Callable[..., list[tuple[Any, ...]]]
) -> None:
    with transaction.atomic():
        log.append(SignedOut(), context=Context())
    assert owner("SELECT count(*) FROM compliance_event") == [(0,)]
