"""The tally follows the record, misses nothing, and is nobody's to write."""

from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from compliance.console import counting


def test_a_time_is_counted_only_when_everybody_who_could_add_to_it_has_ended(
    database: Any, superuser: Any
) -> None:
    import psycopg

    counting.count_up()
    with psycopg.connect(database.state()["databases"]["superuser"]) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        ((goal,),) = superuser(
            "UPDATE compliance_tallied SET fence = pg_current_xact_id(),"
            " next = coalesce(nullif(until, '-infinity'), now() - interval '1 hour')"
            " + interval '1 millisecond' RETURNING next"
        )
        counting.count_up()
        assert _counted_until(superuser) < goal
        slow.rollback()
    counting.count_up()
    assert _counted_until(superuser) >= goal


def _counted_until(superuser: Any) -> datetime:
    ((until,),) = superuser(
        "SELECT coalesce(nullif(until, '-infinity'), 'epoch') FROM compliance_tallied"
    )
    assert isinstance(until, datetime)
    return until


def test_the_application_cannot_change_the_tally(database: Any) -> None:
    for statement in (
        "INSERT INTO compliance_tally VALUES ('day', now(), 'a.b', 'done', 1)",
        "DELETE FROM compliance_tally_who",
        "UPDATE compliance_tallied SET until = now()",
        "SELECT compliance_count_anew()",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
