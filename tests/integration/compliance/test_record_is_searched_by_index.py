"""Row security does not keep the record's indexes from use.

A condition whose operator is not leakproof may not enter an index beneath a policy. Sequential
scans are priced out here, because a planner rightly prefers them on a small table.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection

from compliance.console import reading
from compliance.console.reading import People
from compliance.console.search import Search, Terms
from tests.integration.compliance.readers import Person

ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
NOBODY = People(wanted=None, unwanted=())


@pytest.mark.parametrize(
    ("search", "people", "index"),
    [
        (Search(), NOBODY, "events_by_time"),
        (Search(before=datetime(2026, 1, 1, tzinfo=UTC)), NOBODY, "events_by_time"),
        (Search(), People(wanted=(ID,), unwanted=()), "events_by_actor"),
        (Search(wanted=Terms(matters=(ID,))), NOBODY, "events_by_matter"),
        # Where an action or a failure is frequent the planner rightly reads by time instead.
        (Search(wanted=Terms(actions=("command.run",))), NOBODY, "Index Scan"),
        (Search(wanted=Terms(outcomes=("failed",))), NOBODY, "Index Scan"),
        (Search(wanted=Terms(objects=(ID,))), NOBODY, "compliance_mention_pkey"),
    ],
)
def test_a_search_uses_its_index(
    auditor: Person, search: Search, people: People, index: str
) -> None:
    with auditor.entered(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans: list[str] = []

        def explain(execute, sql, params, many, context):
            execute("EXPLAIN " + sql, params, many, context)
            plans.extend(row[0] for row in context["cursor"].fetchall())
            return execute(sql, params, many, context)

        with connection.execute_wrapper(explain):
            reading.find(search, people, before=None, leave_out=uuid4())
    assert any(index in line for line in plans), plans
