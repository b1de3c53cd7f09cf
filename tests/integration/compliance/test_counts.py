"""What the console counts is what stands in the record, whether the tally has it or not.

The past is written by the administrator in a transaction that is rolled back, so that the record of
the other tests holds nothing that was not recorded.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from assistant.settings import database as at_address
from compliance.console import counting, cut
from compliance.console.filter import Filter

START = datetime(2021, 1, 20, 5, tzinfo=UTC)
STEP = timedelta(hours=2, minutes=41)
COUNT = 900
END = START + COUNT * STEP
TALLIED_UNTIL = END - timedelta(days=3, hours=5)
KINDS = [
    ("document.opened", "begun"),
    ("question.asked", "begun"),
    ("answer.given", "done"),
    ("answer.failed", "failed"),
    ("access.denied", "refused"),
]
ADMIN = "admin-of-counts"
A, B, C = (UUID(int=number) for number in (1, 2, 3))
M, N = (UUID(int=number) for number in (11, 12))
PAPER = uuid4()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of the past."""

    at: datetime
    type: str
    outcome: str
    actor: UUID | None
    matter: UUID | None
    names_paper: bool


PAST = [
    Happened(
        at=START + number * STEP,
        type=KINDS[number % 7 % 5][0],
        outcome=KINDS[number % 7 % 5][1],
        actor=None if number % 11 == 0 else (A, B, C)[number % 3],
        matter=None if number % 5 == 0 else (M, N)[number % 2],
        names_paper=number % 9 == 0,
    )
    for number in range(COUNT)
]


@pytest.fixture(scope="module")
def past(database: Any) -> Iterator[None]:
    """The past, counted up to three days before its end; gone afterwards."""
    address = at_address(database.state()["databases"]["superuser"])
    connections.settings[ADMIN] = connections.configure_settings({"default": address})["default"]
    connection = connections[ADMIN]
    try:
        with transaction.atomic(using=ADMIN), connection.cursor() as cursor:
            _write(cursor)
            cursor.execute("SELECT compliance_count_anew()")
            # As a fence that everybody has passed.
            cursor.execute("UPDATE compliance_tallied SET next = %s, fence = NULL", [TALLIED_UNTIL])
            for _ in range(30):
                cursor.execute("SELECT compliance_count()")
            yield
            transaction.set_rollback(True, using=ADMIN)
    finally:
        connection.close()
        del connections[ADMIN]
        del connections.settings[ADMIN]


def _write(cursor: Any) -> None:
    for month in range(1, 6):
        cursor.execute("SELECT compliance_make_month(%s)", [f"2021-{month:02}-01"])
    cursor.execute("ALTER TABLE compliance_event DISABLE TRIGGER seal")
    for number, one in enumerate(PAST):
        milliseconds = int(one.at.timestamp() * 1000)
        event_id = UUID(int=milliseconds << 80 | 0x7 << 76 | 2 << 62 | number)
        cursor.execute(
            "INSERT INTO compliance_event (event_id, recorded_at, type, actor, matter, outcome,"
            " header, leaf) VALUES (%s, %s, %s, %s, %s, %s, '', '')",
            [event_id, one.at, one.type, one.actor, one.matter, one.outcome],
        )
        if one.names_paper:
            cursor.execute(
                "INSERT INTO compliance_mention (object, event_id) VALUES (%s, %s)",
                [PAPER, event_id],
            )


def matches(meant: Filter, one: Happened) -> bool:
    return (
        (meant.actors is None or one.actor in meant.actors)
        and (meant.matters is None or one.matter in meant.matters)
        and (not meant.actions or one.type in meant.actions)
        and (meant.outcomes is None or one.outcome in meant.outcomes)
        and (not meant.objects or one.names_paper)
        and one.actor not in (meant.not_actors or ["nobody"])
        and one.matter not in (meant.not_matters or ["none"])
        and one.type not in meant.not_actions
        and not (meant.not_objects and one.names_paper)
        and (meant.after is None or one.at >= meant.after)
        and (meant.before is None or one.at < meant.before)
    )


SEARCHES = {
    "everything": Filter(),
    "one person": Filter(actors=(A,)),
    "the system": Filter(actors=(None,)),
    "a person and the system": Filter(actors=(A, None)),
    "a matter": Filter(matters=(M,)),
    "no matter": Filter(matters=(None,)),
    "an action": Filter(actions=("document.opened",)),
    "refusals": Filter(outcomes=("refused", "failed")),
    "an object": Filter(objects=(PAPER,)),
    "a combination": Filter(actors=(B,), matters=(N,), actions=("answer.given",)),
    "not a person": Filter(not_actors=(A,)),
    "not the system": Filter(not_actors=(None,)),
    "not a matter": Filter(not_matters=(M,)),
    "neither person nor matter": Filter(not_actors=(A,), not_matters=(M, None)),
    "not an action": Filter(not_actions=("document.opened",)),
    "not an object": Filter(not_objects=(PAPER,)),
    "none of all that": Filter(
        not_actors=(A,), not_objects=(PAPER,), not_actions=("answer.given",)
    ),
    "an action but not by somebody": Filter(actions=("document.opened",), not_actors=(B,)),
    "nothing at all": Filter(actions=("barrier.raised",)),
}
RANGES = {
    "all time": (None, None),
    "two whole months": (datetime(2021, 2, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)),
    "odd ends": (START + timedelta(days=13, hours=3), END - timedelta(days=9, minutes=7)),
    "three days": (START + timedelta(days=40), START + timedelta(days=43, hours=2)),
    "an afternoon": (START + timedelta(days=40), START + timedelta(days=40, hours=7)),
    "the uncounted end": (END - timedelta(days=2), None),
}


@pytest.mark.parametrize("range_name", RANGES)
@pytest.mark.parametrize("name", SEARCHES)
def test_every_count_is_exact(
    name: str, range_name: str, past: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (counting, cut):
        monkeypatch.setattr(module, "connection", connections[ADMIN])
    after, before = RANGES[range_name]
    meant = Filter(**{**_values(SEARCHES[name]), "after": after, "before": before})
    expected = [one for one in PAST if matches(meant, one)]
    found = counting.counts(meant, now=END)
    assert found.total == len(expected)
    assert not found.partly
    for column, key in (("outcome", "outcome"), ("type", "type")):
        assert dict(found.facets[column].values) == Counter(getattr(one, key) for one in expected)
    for column in ("actor", "matter"):
        told = {UUID(who) if who else None: n for who, n in found.facets[column].values}
        assert told == Counter(getattr(one, column) for one in expected), column
    bars = Counter[tuple[int, str]]()
    for one in expected:
        bars[(one.at - found.bars.first) // found.bars.width, one.outcome] += 1
    told_bars = {
        (bar, outcome): events
        for bar, by_outcome in enumerate(found.by_bar)
        for outcome, events in by_outcome.items()
    }
    assert told_bars == bars


def _values(meant: Filter) -> dict[str, Any]:
    return {name: getattr(meant, name) for name in Filter.__dataclass_fields__}


def test_where_too_much_is_to_be_read_the_page_is_told(
    past: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (counting, cut):
        monkeypatch.setattr(module, "connection", connections[ADMIN])
    monkeypatch.setattr(counting, "MOST_READ", 50)
    found = counting.counts(Filter(actors=(A,)), now=END)
    assert found.partly
    assert found.total == 50
