"""Row security does not keep the record's indexes from use.

A condition whose operator is not leakproof may not enter an index beneath a policy. Sequential
scans are priced out here, because a planner rightly prefers them on a small table. An index of a
month's partition is named by what it holds.
"""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from compliance.console import counting, reading
from compliance.console.cut import Cut
from compliance.console.filter import Filter
from compliance.console.span import bars
from tests.integration.compliance.readers import Person

ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.mark.parametrize(
    ("meant", "index"),
    [
        (Filter(), "events_by_time"),
        # Few events have an earlier id, which the planner may find out first.
        (Filter(before=datetime(2026, 1, 1, tzinfo=UTC)), "Index Scan"),
        (Filter(actors=(ID,)), r"using \w*actor"),
        (Filter(matters=(ID,)), r"using \w*matter"),
        # Where an action or a failure is frequent the planner rightly reads by time instead.
        (Filter(actions=("command.run",)), "Index Scan"),
        (Filter(outcomes=("failed",)), "Index Scan"),
        (Filter(objects=(ID,)), "compliance_mention_pkey"),
    ],
)
def test_a_search_uses_its_index(
    auditor: Person, meant: Filter, index: str
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
            reading.find(meant, leave_out=uuid4())
    assert any(re.search(index, line) for line in plans), plans


@pytest.mark.parametrize(
    ("meant", "indexes"),
    [
        (Filter(), ["compliance_tally_pkey", "tally_by_who", "events_by_time"]),
        (Filter(actors=(ID,)), [r"Index Only Scan using \w*actor"]),
        (Filter(matters=(ID,)), [r"Index Only Scan using \w*matter"]),
        (Filter(not_actors=(ID,)), ["tally_by_who", r"Index Only Scan using \w*actor"]),
        (Filter(objects=(ID,)), ["compliance_mention_pkey"]),
    ],
)
def test_counting_uses_indexes(auditor: Person, meant: Filter, indexes: list[str]) -> None:
    until = datetime.now(UTC)
    since = until - timedelta(days=400)
    tallied = None if meant.names_who or meant.objects else (since, until - timedelta(hours=1))
    cut = Cut(after=since, before=until, tallied=tallied, by_kind=False)
    statement = counting.statement(meant, cut, bars(cut.after, cut.before))
    with auditor.entered(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + statement.text, statement.values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert all(re.search(index, plan) for index in indexes), plan
