"""What a change of rules would do is said before it is made, and agrees with what it then does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from assistant.access.barriers import OPERATOR, Draft, raise_barrier
from assistant.access.history import who_could_see
from assistant.access.matters import add_member
from assistant.access.models import Kind
from assistant.access.rules import Barrier, BarrierKind
from assistant.access.rules.changes import (
    Account,
    Change,
    Grant,
    GroupPlace,
    Labels,
    Lift,
    MemberPlace,
    Raise,
    TeamPlace,
)
from assistant.access.simulate import Foreseen, simulate
from assistant.access.tried import Reader
from assistant.access.upkeep import OWNER
from assistant.accounts.identity import entered
from assistant.accounts.models import Group
from compliance.events import Context
from tests.installation import Installation
from tests.people import World, make_person

SQL = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def document(world: World) -> UUID:
    """A document of Alice's matter that speaks of a company."""
    return world.upload("falcon.md", f"Falcon Holdings Inc. {uuid4()}").document_id


@pytest.fixture
def team(world: World, superuser: SQL) -> UUID:
    """A group with Charlie in it."""
    group = uuid4()
    superuser(
        "insert into accounts_group (id, name, created_at, changed_at)"
        " values (%s, %s, now(), now())",
        [group, f"team {group}"],
    )
    superuser(
        "insert into accounts_groupmember (group_id, user_id, added_at) values (%s, %s, now())",
        [group, world.charlie.user.pk],
    )
    return group


def foreseen(change: Change, *, names: tuple[str, ...] = ()) -> Foreseen:
    with transaction.atomic(using=OWNER):
        return simulate(Context(), change, at=datetime.now(UTC), names=names, using=OWNER)


def told(change: Change, **more: Any) -> list[tuple[int, int, int]]:
    """Who would gain and lose how many documents."""
    return [
        (each.person, len(each.gains), len(each.loses))
        for each in foreseen(change, **more).differences
    ]


def barrier(kind: BarrierKind, **around: Any) -> Raise:
    return Raise(barrier=Barrier(id=uuid4(), kind=kind, **around))


def test_a_place_in_a_matter_gives_and_takes_its_documents(
    world: World, document: UUID, team: UUID
) -> None:
    charlie, bob = world.charlie.user.pk, world.bob.user.pk
    matter = world.matter.id
    assert told(MemberPlace(matter=matter, person=charlie, present=True)) == [(charlie, 1, 0)]
    assert told(MemberPlace(matter=matter, person=bob, present=False)) == [(bob, 0, 1)]
    assert told(MemberPlace(matter=matter, person=bob, present=True)) == []
    assert told(GroupPlace(group=team, person=bob, present=True)) == []


def test_a_team_counts_with_those_who_are_in_the_group(
    world: World, document: UUID, team: UUID, superuser: SQL
) -> None:
    # Whoever is in a group that is in no matter yet is looked up as well.
    charlie = world.charlie.user.pk
    entering = TeamPlace(matter=world.matter.id, group=team, present=True)
    assert told(entering) == [(charlie, 1, 0)]
    superuser(
        "insert into access_teamplace (matter_id, group_id, added_by_id, added_at)"
        " values (%s, %s, %s, now())",
        [world.matter.id, team, world.alice.user.pk],
    )
    assert told(GroupPlace(group=team, person=charlie, present=False)) == [(charlie, 0, 1)]


def test_labels_clearance_and_grants(world: World, document: UUID) -> None:
    alice, bob = world.alice.user.pk, world.bob.user.pk
    secret = told(Labels(document=document, classification=2))
    assert sorted(secret) == sorted([(alice, 0, 1), (bob, 0, 1)])
    assert told(Account(person=bob, clearance=0)) == []
    assert told(Account(person=bob, is_active=False)) == [(bob, 0, 1)]
    assert told(Grant(document=document, person=bob, present=True)) == []
    treatment = foreseen(Labels(document=document, purposes=frozenset({"treatment"})))
    assert {each.after.purposes for each in treatment.differences} == {("treatment",)}
    assert all(each.loses for each in treatment.differences)


def test_barriers_of_every_kind(world: World, document: UUID, superuser: SQL) -> None:
    alice, bob = world.alice.user.pk, world.bob.user.pk
    people = frozenset({bob})
    wall = barrier(BarrierKind.WALL, matter=world.matter.id, people=people)
    assert told(wall) == [(bob, 0, 1)]
    seal = barrier(BarrierKind.SEAL, documents=frozenset({document}), people=people)
    assert told(seal) == [(alice, 0, 1)]
    name = f"Heron {uuid4().hex} Inc."
    superuser("update documents_document set title = %s where id = %s", [f"On {name}", document])
    assert told(barrier(BarrierKind.LIST, people=people), names=(name,)) == [(alice, 0, 1)]
    assert told(barrier(BarrierKind.LIST, people=people), names=("Nobody's Inc.",)) == []


def test_a_barrier_that_is_lifted_lets_permissions_hold_again(world: World, document: UUID) -> None:
    standing = raise_barrier(
        Context(),
        Draft(kind=Kind.WALL, matter=world.matter.id, people=(world.bob.user,)),
        reason="Acted for the other side.",
        using=OPERATOR,
    )
    assert told(Lift(barrier=standing.id)) == [(world.bob.user.pk, 1, 0)]


def test_it_changes_nothing_and_does_what_it_said(world: World, document: UUID) -> None:
    change = MemberPlace(matter=world.matter.id, person=world.charlie.user.pk, present=True)
    before = foreseen(change)

    def readers() -> set[int]:
        with transaction.atomic(using=OWNER):
            answer = who_could_see(Context(), document, at=datetime.now(UTC), using=OWNER)
        return {finding.person for finding in answer.allowed}

    now = readers()
    assert now == {world.alice.user.pk, world.bob.user.pk}
    with world.as_alice() as acting:
        add_member(
            acting.record,
            world.matter,
            acting.user,
            username=world.charlie.username,
            level="member",
        )
    gaining = {each.person for each in before.differences if each.gains}
    assert readers() == now | gaining
    assert foreseen(change).version > before.version


def test_trying_is_an_event_and_tells_only_those_who_may_look(
    world: World, document: UUID, superuser: SQL
) -> None:
    change = MemberPlace(matter=world.matter.id, person=world.charlie.user.pk, present=True)
    officer = make_person("olga", "privacy_officer")
    for person, differences in ((officer, 1), (world.alice, 0)):
        with person.acting() as acting, entered(acting.token):
            found = simulate(acting.record, change, at=datetime.now(UTC))
        assert len(found.differences) == differences
    recorded = superuser(
        "select count(*) from compliance_event where actor = %s and type = 'rules.change_tried'",
        [officer.user.public_id],
    )
    assert recorded == [(1,)]


def test_the_command_says_who_gains(
    world: World, document: UUID, installation: Installation
) -> None:
    words = ("--person", world.charlie.username, "--matter", world.matter.reference)
    asked = installation.manage("access", "simulate", "add-member", *words, "--json")
    assert asked.returncode == 0, asked.stderr
    (row,) = [json.loads(line) for line in asked.stdout.splitlines()]
    assert (row["person"], row["gains"]) == (world.charlie.username, [str(document)])
    assert (row["before"], row["after"]) == (["not in the matter"], ["in the matter by name"])
    assert "Nothing was changed." in asked.stderr
    asked = installation.manage("access", "simulate", "add-member", "--person", "nobody-at-all")
    assert asked.returncode == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({}, "Choose what to try"),
        ({"change": "fly"}, "no change called fly"),
        ({"change": "add-member"}, "Name the matter"),
        ({"change": "clear", "person": "nobody-at-all"}, "no account called"),
        ({"change": "label", "document": "that one"}, "no id of a document"),
        ({"change": "raise", "kind": "fence"}, "a wall, a seal or a list"),
        ({"change": "raise", "kind": "seal"}, "what it stands around"),
        ({"change": "raise", "kind": "wall", "names": "Li"}, "name a person or a group"),
        ({"change": "join-group", "group": "no such group"}, "no group called"),
        ({"change": "lift"}, "Give the id of the barrier"),
    ],
)
def test_words_that_mean_nothing_are_explained(
    database: Any, words: dict[str, str], problem: str
) -> None:
    reader = Reader(words=words, matter_of=UUID, client_of=UUID)
    with pytest.raises(ValidationError, match=problem):
        reader.change()


def test_a_group_is_found_by_name_or_id(team: UUID) -> None:
    name = Group.objects.get(pk=team).name
    person = make_person("gus")
    for word in (name, str(team)):
        words = {"change": "join-group", "group": word, "person": person.username}
        change = Reader(words=words, matter_of=UUID, client_of=UUID).change().change
        assert change == GroupPlace(group=team, person=person.user.pk, present=True)
