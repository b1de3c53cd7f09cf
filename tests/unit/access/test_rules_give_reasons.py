"""A decision about a document gives every reason of the side that wins, in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from assistant.access.rules import (
    Barrier,
    BarrierKind,
    Document,
    Emergency,
    Matter,
    Person,
    Why,
    World,
    decide,
    purposes_to_try,
    sees_matter,
)
from assistant.access.rules.changes import Account, GroupPlace, Labels, Lift, MemberPlace, Raise

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MATTER, PAPER, TEAM, OTHER, CLIENT, WALL, GLASS = (UUID(int=number) for number in range(1, 8))
ALICE, BOB, CHARLIE = 1, 2, 3
WORLD = World(
    people={
        ALICE: Person(id=ALICE, clearance=2),
        BOB: Person(id=BOB, groups=frozenset({TEAM})),
        CHARLIE: Person(id=CHARLIE),
    },
    matters={
        MATTER: Matter(
            id=MATTER, client=CLIENT, members=frozenset({ALICE}), teams=frozenset({TEAM})
        )
    },
    documents={PAPER: Document(id=PAPER, matter=MATTER)},
)


def why(world: World, person: int, purpose: str = "") -> tuple[bool, list[Why]]:
    verdict = decide(world, person, PAPER, purpose=purpose, at=NOW)
    return verdict.allowed, [reason.why for reason in verdict.reasons]


def labelled(**labels: object) -> World:
    return replace(WORLD, documents={PAPER: replace(WORLD.documents[PAPER], **labels)})  # type: ignore[arg-type]


def behind(kind: BarrierKind, **around: object) -> World:
    barrier = Barrier(id=WALL, kind=kind, **around)  # type: ignore[arg-type]
    return Raise(barrier=barrier).applied_to(WORLD)


def test_a_member_by_name_and_one_by_team_are_let_in_and_an_outsider_is_not() -> None:
    assert why(WORLD, ALICE) == (True, [Why.MEMBER])
    assert why(WORLD, BOB) == (True, [Why.TEAM])
    assert why(WORLD, CHARLIE) == (False, [Why.NOT_A_MEMBER])


def test_whoever_is_in_twice_is_told_both() -> None:
    twice = MemberPlace(matter=MATTER, person=BOB, present=True).applied_to(WORLD)
    assert why(twice, BOB) == (True, [Why.MEMBER, Why.TEAM])
    assert why(GroupPlace(group=TEAM, person=BOB, present=False).applied_to(WORLD), BOB) == (
        False,
        [Why.NOT_A_MEMBER],
    )


def test_all_that_is_missing_is_told() -> None:
    closed = labelled(classification=2, purposes=frozenset({"treatment"}), is_restricted=True)
    assert why(closed, BOB) == (False, [Why.CLEARANCE, Why.PURPOSE, Why.RESTRICTED])
    assert why(closed, ALICE, "treatment") == (False, [Why.RESTRICTED])
    granted = labelled(
        purposes=frozenset({"treatment"}), is_restricted=True, groups=frozenset({TEAM})
    )
    assert why(granted, BOB, "treatment") == (
        True,
        [Why.TEAM, Why.GRANT_TO_GROUP, Why.PURPOSE_FITS],
    )


@pytest.mark.parametrize(
    "around", [{"matter": MATTER}, {"client": CLIENT}, {"documents": frozenset({PAPER})}]
)
def test_barriers_beat_every_place(around: dict[str, object]) -> None:
    wall = behind(BarrierKind.WALL, groups=frozenset({TEAM}), **around)
    assert why(wall, BOB) == (False, [Why.WALL])
    assert why(wall, ALICE)[0]
    seal = behind(BarrierKind.SEAL, groups=frozenset({TEAM}), **around)
    assert why(seal, ALICE) == (False, [Why.SEAL])
    assert why(seal, BOB)[0]
    assert why(Lift(barrier=WALL).applied_to(wall), BOB)[0]


def test_a_matter_behind_a_wall_is_not_seen_and_a_document_s_wall_hides_no_matter() -> None:
    matter = behind(BarrierKind.WALL, matter=MATTER, people=frozenset({ALICE}))
    document = behind(BarrierKind.WALL, documents=frozenset({PAPER}), people=frozenset({ALICE}))
    assert not sees_matter(matter, ALICE, MATTER, at=NOW)
    assert sees_matter(document, ALICE, MATTER, at=NOW)


def test_break_glass_opens_until_it_expires_and_never_through_a_barrier() -> None:
    glass = Emergency(
        id=GLASS,
        person=CHARLIE,
        matter=MATTER,
        opened_at=NOW - timedelta(minutes=5),
        expires_at=NOW + timedelta(minutes=5),
    )
    opened = replace(labelled(classification=2), emergencies={GLASS: glass})
    assert why(opened, CHARLIE) == (True, [Why.EMERGENCY])
    assert why(opened, BOB) == (False, [Why.CLEARANCE])
    later = decide(opened, CHARLIE, PAPER, purpose="", at=NOW + timedelta(minutes=5))
    assert not later.allowed
    barrier = Barrier(id=WALL, kind=BarrierKind.SEAL, matter=MATTER)
    assert why(Raise(barrier=barrier).applied_to(opened), CHARLIE) == (False, [Why.SEAL])


def test_closed_accounts_administrators_and_deleted_documents_are_beyond_every_permission() -> None:
    closed = Account(person=ALICE, is_active=False).applied_to(WORLD)
    assert why(closed, ALICE) == (False, [Why.CLOSED])
    alice = replace(WORLD.people[ALICE], is_administrator=True)
    assert why(replace(WORLD, people={ALICE: alice}), ALICE) == (False, [Why.ADMINISTRATOR])
    assert why(labelled(is_deleted=True), ALICE) == (False, [Why.DELETED])
    assert why(WORLD, 99) == (False, [Why.NO_ACCOUNT])


def test_only_purposes_that_make_a_difference_and_may_be_chosen_are_tried() -> None:
    change = Labels(document=PAPER, purposes=frozenset({"treatment", "billing"}))
    world = change.applied_to(WORLD)
    assert purposes_to_try(world, ALICE, PAPER) == ("", "billing", "treatment")
    bound = replace(WORLD.people[ALICE], purposes=frozenset({"billing", "research"}))
    assert purposes_to_try(replace(world, people={ALICE: bound}), ALICE, PAPER) == ("", "billing")


def test_a_reason_is_a_sentence_with_the_names_that_are_known() -> None:
    (team,) = decide(WORLD, BOB, PAPER, purpose="", at=NOW).reasons
    assert team.sentence({TEAM: "the group Cardiology"}) == (
        "in the matter as one of the group Cardiology"
    )
    assert team.sentence() == "in the matter as one of …00000003"


def test_every_rule_has_its_sentence() -> None:
    from assistant.access.rules.reasons import Reason

    for each in Why:
        assert "{" not in Reason(why=each, about=OTHER, until=NOW, words=("a",)).sentence()
