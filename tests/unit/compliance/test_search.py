"""What an auditor types becomes one search, or a sentence about what is wrong with it."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from compliance.console.search import LONGEST, Search, Terms, parse

ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
UTC_ZONE = ZoneInfo("UTC")


def search(text: str = "", **fields: str) -> Search:
    return parse(text, fields, zone=UTC_ZONE)


def test_qualifiers_and_exclusions_are_kept_apart() -> None:
    found = search('actor:"Carla Reyes" actor:bo -action:record.read -outcome:done')
    assert found.wanted == Terms(actors=("Carla Reyes", "bo"))
    assert found.unwanted == Terms(actions=("record.read",), outcomes=("done",))
    assert not found.problems


def test_form_fields_mean_the_same_as_qualifiers() -> None:
    typed = search(f"actor:carla action:question.asked object:{ID} matter:{ID} outcome:begun")
    filled = search(
        actor="carla", action="question.asked", object=str(ID), matter=str(ID), outcome="begun"
    )
    assert typed == filled


def test_an_area_means_all_its_actions() -> None:
    found = search("action:matter.*").wanted.actions
    assert set(found) == {
        "matter.created",
        "matter.renamed",
        "matter.member_added",
        "matter.member_removed",
        "matter.client_set",
        "matter.purposes_set",
        "matter.team_added",
        "matter.team_removed",
    }


def test_times_are_in_the_zone_of_the_page() -> None:
    found = parse("after:2026-11-24 before:2026-11-24T09:30+00:00", {}, zone=ZoneInfo("Asia/Tokyo"))
    assert found.after == datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert found.before == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("carla", "carla"),
        ("ip:10.0.0.1", "ip"),
        ("action:no.such", "no.such"),
        ("object:12", "12"),
        ("after:2026-13", "2026-13"),
        ("after:9999y", "9999y"),
        ("after:2026-02-01 before:2026-01-01", "before it begins"),
        ("outcome:maybe", "maybe"),
        ("after:yesterday", "yesterday"),
        ("-before:2026-01-01", "before"),
        ("a" * (LONGEST + 1), str(LONGEST)),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, says: str) -> None:
    (problem,) = search(text).problems
    assert says in problem


def test_a_nul_character_is_dropped() -> None:
    assert search("actor:a\x00", actor="\x00").wanted == Terms(actors=("a",))
