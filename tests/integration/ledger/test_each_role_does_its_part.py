"""Numbers, heads and events are each written by one role, and read by auditors alone."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from compliance.models import Checkpoint, Leaf
from tests.installation import Installation
from tests.people import make_person

TABLES = ("leaf", "tile", "root", "checkpoint", "cosignature", "alarm")
Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"]
)
def test_the_application_has_no_right_to_change_them(
    database: Any, table: str, statement: str
) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement.format(f"compliance_{table}"))


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("sequencer", "SELECT header FROM compliance_event"),
        ("sequencer", "SELECT * FROM compliance_mention"),
        ("sequencer", "UPDATE compliance_leaf SET idx = 0"),
        ("sequencer", "DELETE FROM compliance_leaf"),
        ("sequencer", "UPDATE compliance_pending SET leaf = ''"),
        ("sequencer", "INSERT INTO compliance_pending (event_id) VALUES (gen_random_uuid())"),
        ("sequencer", "INSERT INTO compliance_checkpoint (size) VALUES (1)"),
        ("sequencer", "SELECT * FROM accounts_user"),
        ("signer", "DELETE FROM compliance_pending"),
        ("signer", "DELETE FROM compliance_checkpoint"),
        ("signer", "INSERT INTO compliance_leaf (idx) VALUES (1)"),
        ("signer", "INSERT INTO compliance_root (size) VALUES (1)"),
        ("signer", "UPDATE compliance_alarm SET cleared_at = now()"),
        ("signer", "SELECT * FROM documents_document"),
    ],
)
def test_the_ledger_s_roles_do_their_own_part_and_no_other(
    installation: Installation, role: str, statement: str
) -> None:
    with psycopg.connect(installation.state()["databases"][role], autocommit=True) as own:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute(statement)


def test_the_ledger_s_roles_tell_of_nobody_else(installation: Installation) -> None:
    from datetime import UTC, datetime
    from uuid import uuid4

    from compliance import header
    from compliance.events import Context, SignedOut, SystemStopped

    for event, context in (
        (SignedOut(), Context()),
        (SystemStopped(part="web"), Context(actor=uuid4())),
    ):
        written = header.write(event, context=context, now=datetime.now(UTC))
        for role in ("sequencer", "signer"):
            with psycopg.connect(installation.state()["databases"][role]) as own:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    own.execute(
                        "INSERT INTO compliance_event (event_id, header) VALUES (%s, %s)",
                        [written.event_id, written.data],
                    )


def test_auditors_read_numbers_and_heads_and_others_do_not(installation: Installation) -> None:
    with make_person("nora", "auditor").entered():
        assert Leaf.objects.exists()
        assert Checkpoint.objects.exists()
    with make_person("sam", "staff").entered():
        assert not Leaf.objects.exists()
        assert not Checkpoint.objects.exists()


@pytest.mark.parametrize("table", [*TABLES, "event_other"])
def test_the_owner_cannot_take_anything_away(database: Any, superuser: Sql, table: str) -> None:
    from django.db import connections

    with pytest.raises(DatabaseError, match="the record only grows"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DELETE FROM compliance_{table}")


def test_a_changed_definition_is_on_record(installation: Installation, superuser: Sql) -> None:
    import time

    superuser("ALTER TABLE compliance_leaf DISABLE TRIGGER keep")
    superuser("ALTER TABLE compliance_leaf ENABLE ALWAYS TRIGGER keep")
    give_up_at = time.monotonic() + 20
    found = (
        "SELECT 1 FROM compliance_event WHERE type = 'ledger.definitions_changed' AND"
        " convert_from(header, 'UTF8')::jsonb #>> '{fields,role}' = 'cloister_admin'"
    )
    while not superuser(found):
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
