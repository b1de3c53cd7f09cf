"""Who could see a document at a time, what a person could see, and why: in verbs and commands."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from assistant.access.barriers import (
    OPERATOR,
    Draft,
    lift_barrier,
    raise_barrier,
)
from assistant.access.errors import Missing
from assistant.access.explained import explained
from assistant.access.history import Answer, what_can_see, who_could_see
from assistant.access.matters import add_member, remove_member
from assistant.access.models import Kind
from assistant.access.upkeep import OWNER
from assistant.accounts.identity import entered
from compliance.events import Context
from tests.installation import Installation
from tests.people import Person, World, make_person

SQL = Callable[..., list[tuple[Any, ...]]]
NOW = timedelta(0)


@pytest.fixture
def document(world: World) -> UUID:
    """A document of Alice's matter; nobody has to read it."""
    return world.upload("lease.md", f"The rent is due. {uuid4()}").document_id


@pytest.fixture
def officer(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


def readers(document: UUID, at: datetime | None = None) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Everybody named, with whether they could read it and why, as the operator is told."""
    with transaction.atomic(using=OWNER):
        answer = who_could_see(Context(), document, at=at or datetime.now(UTC), using=OWNER)
    rows = explained(answer.findings, using=OWNER)
    return {row.person.username: (row.says, row.reasons) for row in rows}


def looked_up(person: Person, document: UUID) -> Answer:
    with person.acting() as acting, entered(acting.token):
        return who_could_see(acting.record, document, at=datetime.now(UTC))


def test_members_could_see_a_document_and_outsiders_are_not_named(
    world: World, document: UUID
) -> None:
    assert readers(document) == {
        world.alice.username: ("yes", ("in the matter by name",)),
        world.bob.username: ("yes", ("in the matter by name",)),
    }


def test_an_earlier_time_is_answered_by_the_rules_of_that_time(
    world: World, document: UUID
) -> None:
    before = datetime.now(UTC)
    with world.as_alice() as acting:
        remove_member(acting.record, world.matter, user_public_id=world.bob.user.public_id)
        add_member(
            acting.record,
            world.matter,
            acting.user,
            username=world.charlie.username,
            level="member",
        )
    assert set(readers(document)) == {world.alice.username, world.charlie.username}
    assert set(readers(document, before)) == {world.alice.username, world.bob.username}


def test_a_wall_is_named_while_it_stands(world: World, document: UUID) -> None:
    wall = raise_barrier(
        Context(),
        Draft(kind=Kind.WALL, matter=world.matter.id, people=(world.bob.user,)),
        reason="Acted for the other side.",
        using=OPERATOR,
    )
    walled = datetime.now(UTC)
    kept_out = ("no", (f"kept out by wall …{str(wall.id)[-8:]}",))
    assert readers(document)[world.bob.username] == kept_out
    lift_barrier(Context(), wall.id, reason="Settled.", using=OPERATOR)
    assert readers(document)[world.bob.username][0] == "yes"
    assert readers(document, walled)[world.bob.username] == kept_out


def test_labels_and_grants_are_told_with_what_is_missing(
    world: World, document: UUID, superuser: SQL
) -> None:
    superuser(
        "update documents_document set is_restricted = true, classification = 2,"
        " purposes = '{treatment,billing}' where id = %s",
        [document],
    )
    superuser("update accounts_user set clearance = 2 where id = %s", [world.alice.user.pk])
    superuser(
        "insert into documents_documentgrant (document_id, user_id) values (%s, %s)",
        [document, world.alice.user.pk],
    )
    says, reasons = readers(document)[world.alice.username]
    assert says == "for billing or treatment"
    assert reasons == (
        "in the matter by name",
        "has a grant on the document",
        "for the purpose billing",
    )
    assert readers(document)[world.bob.username] == (
        "no",
        (
            "the document is strictly confidential, beyond this person's clearance",
            "the document is restricted and this person has no grant",
        ),
    )


def test_a_deleted_document_could_be_seen_until_then(
    world: World, document: UUID, superuser: SQL
) -> None:
    before = datetime.now(UTC)
    superuser("update documents_document set deleted_at = now() where id = %s", [document])
    assert readers(document)[world.alice.username] == ("no", ("the document is deleted",))
    assert readers(document, before)[world.alice.username][0] == "yes"


def test_what_a_person_can_see_names_no_title(
    world: World, document: UUID, officer: Person
) -> None:
    with officer.acting() as acting, entered(acting.token):
        answer = what_can_see(acting.record, world.bob.user, at=datetime.now(UTC))
        rows = explained(answer.findings)
    assert [(row.document, row.says) for row in rows] == [(document, "yes")]
    assert "lease" not in repr(rows)


def test_auditors_and_privacy_officers_look_and_nobody_else(
    world: World, document: UUID, officer: Person
) -> None:
    for person in (officer, make_person("audra", "auditor")):
        assert len(looked_up(person, document).allowed) == 2
    for person in (world.alice, world.charlie, make_person("ada", "administrator")):
        with pytest.raises(Missing):
            looked_up(person, document)


def test_looking_is_an_event(world: World, document: UUID, officer: Person, superuser: SQL) -> None:
    looked_up(officer, document)
    with officer.acting() as acting, entered(acting.token):
        what_can_see(acting.record, world.bob.user, at=datetime.now(UTC))
    recorded = superuser(
        "select type, object, matter from compliance_event where actor = %s"
        " and type like '%%looked_up' order by recorded_at",
        [officer.user.public_id],
    )
    assert recorded == [
        ("document.readers_looked_up", document, world.matter.id),
        ("account.rights_looked_up", world.bob.user.public_id, None),
    ]


def test_the_commands_print_a_line_for_each(
    world: World, document: UUID, installation: Installation
) -> None:
    asked = installation.manage("access", "who-could-see", str(document), "--json")
    assert asked.returncode == 0, asked.stderr
    rows = [json.loads(line) for line in asked.stdout.splitlines()]
    assert {row["person"]: row["allowed"] for row in rows} == {
        world.alice.username: True,
        world.bob.username: True,
    }
    asked = installation.manage("access", "what-can-see", world.bob.username, "--json")
    (row,) = [json.loads(line) for line in asked.stdout.splitlines()]
    assert (row["document"], row["reasons"]) == (str(document), ["in the matter by name"])


def test_the_commands_refuse_what_is_not_there(installation: Installation) -> None:
    for words, code in (
        (("who-could-see", str(uuid4())), 1),
        (("what-can-see", "nobody-at-all"), 1),
        (("who-could-see", "not-an-id"), 2),
        (("what-can-see", "nobody", "--at", "soon"), 1),
    ):
        assert installation.manage("access", *words).returncode == code, words


def test_a_time_before_the_history_is_said_to_be_unknown(
    world: World, installation: Installation
) -> None:
    asked = installation.manage("access", "what-can-see", world.bob.username, "--at", "1999-01-01")
    assert "The history of rules begins at" in asked.stderr
    assert asked.stdout == ""
