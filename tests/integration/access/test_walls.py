"""A wall keeps one person out of one matter, at once, and beats every permission they have."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from assistant.access.barriers import (
    OPERATOR,
    Draft,
    lift_barrier,
    matter_id_of,
    raise_barrier,
    wall_between,
)
from assistant.access.errors import Missing
from assistant.access.matters import (
    add_member,
    leads,
    matter_for,
    members_of,
    my_matters,
    people_who_see,
    remove_member,
)
from assistant.access.models import Kind
from assistant.accounts.identity import entered
from assistant.accounts.models import User
from assistant.chat.ask import accept_question
from assistant.documents import retrieve, vectors
from assistant.documents.access import document_for
from assistant.documents.library import who_can_see
from compliance.events import Context
from tests.installation import Installation
from tests.people import Person, World, scope_key
from tests.samples import LEASE

MATTER_TABLES = (
    "access_matter documents_document documents_version documents_page documents_passage "
    "documents_passagevector documents_posting chat_conversation chat_question chat_answer"
).split()
REASON = "Advised the other side last year."


def _counts(person: Person) -> dict[str, int]:
    counts = {}
    with person.entered(), connection.cursor() as cursor:
        for table in MATTER_TABLES:
            cursor.execute(f"select count(*) from {table}")
            counts[table] = cursor.fetchone()[0]
    return counts


def _found(world: World, person: Person) -> int:
    with person.entered():
        return len(
            retrieve.passages_for(
                "monthly rent",
                vectors.embedder().query("monthly rent"),
                scope=retrieve.scope_of(None),
                limit=5,
            )
        )


def _ask(world: World, person: Person) -> None:
    with person.entered() as acting:
        accept_question(
            acting.record,
            acting.user,
            text="What is the rent?",
            key=uuid4(),
            matter_id=world.matter.id,
        )


def raise_wall(
    matter: UUID, person: User, *, reason: str, leave_without_lead: bool = False
) -> None:
    draft = Draft(kind=Kind.WALL, matter=matter, people=(person,))
    raise_barrier(
        Context(), draft, reason=reason, leave_without_lead=leave_without_lead, using=OPERATOR
    )


def lift_wall(matter: UUID, person: User, *, reason: str) -> None:
    wall = wall_between(matter, person)
    assert wall is not None
    lift_barrier(Context(), wall.id, reason=reason, using=OPERATOR)


@contextmanager
def _wall(world: World, person: Person) -> Iterator[None]:
    raise_wall(world.matter.id, person.user, reason=REASON, leave_without_lead=True)
    yield
    lift_wall(world.matter.id, person.user, reason="The other case is closed.")


def test_a_member_behind_a_wall_loses_everything_and_gets_it_back(world: World) -> None:
    world.add("lease.md", LEASE)
    _ask(world, world.bob)
    before = _counts(world.bob)
    assert all(before.values()), before
    assert _found(world, world.bob) > 0
    with _wall(world, world.bob):
        assert set(_counts(world.bob).values()) == {0}
        assert _found(world, world.bob) == 0
        with world.bob.entered() as acting:
            assert my_matters(acting.user) == []
            for look_up, identifier in (
                (matter_for, world.matter.id),
                (document_for, world.documents["lease.md"]),
            ):
                with pytest.raises(Missing):
                    look_up(identifier)
    assert _counts(world.bob) == before
    assert _found(world, world.bob) > 0


def test_a_wall_holds_in_a_session_that_was_open_before(world: World) -> None:
    with world.bob.acting() as acting:
        with entered(acting.token):
            assert matter_for(world.matter.id)
        with _wall(world, world.bob):
            with pytest.raises(Missing), entered(acting.token):
                matter_for(world.matter.id)


def test_a_person_behind_a_wall_cannot_ask(world: World) -> None:
    with _wall(world, world.bob), pytest.raises(Missing):
        _ask(world, world.bob)


def test_a_wall_is_for_one_person(world: World) -> None:
    world.add("lease.md", LEASE)
    before = _counts(world.alice)
    with _wall(world, world.bob):
        assert _counts(world.alice) == before


def test_no_list_names_a_person_behind_a_wall(world: World) -> None:
    world.add("lease.md", LEASE)

    def named() -> list[list[Any]]:
        with world.as_alice() as acting:
            document = document_for(world.documents["lease.md"])
            (row,) = my_matters(acting.user)
            return [
                [member.user for member in members_of(world.matter)],
                people_who_see(world.matter.id),
                who_can_see(document),
                [row.members],
            ]

    both, alone = [world.alice.user, world.bob.user], [world.alice.user]
    assert named() == [both, both, both, [2]]
    with _wall(world, world.bob):
        assert named() == [alone, alone, alone, [1]]
    assert named() == [both, both, both, [2]]


def test_who_sees_a_matter_is_told_to_its_members_only(world: World) -> None:
    with world.charlie.entered(), connection.cursor() as cursor:
        cursor.execute("select auth.sees(%s, %s)", [world.alice.user.pk, world.matter.id])
        assert cursor.fetchone() == (False,)
        assert people_who_see(world.matter.id) == []


def test_a_lead_behind_a_wall_does_not_count_as_one(world: World) -> None:
    with world.as_alice() as acting:
        record, username = acting.record, world.bob.username
        add_member(record, world.matter, acting.user, username=username, level="lead")
    with _wall(world, world.bob), world.as_alice() as acting:
        with pytest.raises(ValidationError, match="at least one lead"):
            remove_member(
                acting.record, world.matter, user_public_id=world.alice.user.public_id
            )


def test_a_wall_beats_being_made_a_member_again(world: World) -> None:
    with _wall(world, world.bob):
        with world.as_alice() as acting:
            add_member(
                acting.record,
                world.matter,
                acting.user,
                username=world.bob.username,
                level="lead",
            )
        with world.bob.entered() as acting:
            assert my_matters(acting.user) == []
            assert not leads(world.matter)


def test_a_wall_raised_before_membership_holds_after_it(world: World) -> None:
    raise_wall(world.matter.id, world.charlie.user, reason=REASON)
    with world.as_alice() as acting:
        add_member(
            acting.record,
            world.matter,
            acting.user,
            username=world.charlie.username,
            level="member",
        )
    with world.charlie.entered() as acting:
        assert my_matters(acting.user) == []


def test_a_lead_behind_a_wall_lets_nobody_in(world: World) -> None:
    with _wall(world, world.alice), pytest.raises(Missing), world.as_alice() as acting:
        add_member(
            acting.record,
            world.matter,
            acting.user,
            username=world.charlie.username,
            level="member",
        )


def test_rights_that_went_wrong_are_still_denied(
    world: World, superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    """The restrictive policy alone is enough: it does not rest on the set of allowed groups."""
    world.add("lease.md", LEASE)
    with _wall(world, world.bob):
        superuser(
            "update auth.rights r set bits = a.bits, groups = a.groups from auth.rights a"
            " where r.uid = %s and a.uid = %s",
            [world.bob.user.pk, world.alice.user.pk],
        )
        assert set(_counts(world.bob).values()) == {0}


def test_a_wall_changes_the_key_that_caches_are_keyed_on(world: World) -> None:
    with world.as_alice():
        before = scope_key(world.matter.id)
    with _wall(world, world.bob), world.as_alice():
        during = scope_key(world.matter.id)
    with world.as_alice():
        after = scope_key(world.matter.id)
    assert len({before, during, after}) == 3
    with _wall(world, world.bob), world.bob.entered():
        assert scope_key(world.matter.id) is None



def test_a_barrier_that_does_not_stand_cannot_be_lifted(world: World) -> None:
    with pytest.raises(Missing):
        lift_barrier(Context(), uuid4(), reason=REASON, using=OPERATOR)


def test_a_matter_s_only_lead_is_walled_off_on_purpose_only(
    world: World, installation: Installation
) -> None:
    words = ["--person", world.alice.username, "--matter", str(world.matter.id)]
    words += ["--reason", REASON]
    refused = installation.manage("wall", "raise", *words)
    assert refused.returncode == 1
    assert "would be left without a lead" in refused.stderr
    with world.as_alice():
        assert leads(world.matter)
    done = installation.manage("wall", "raise", *words, "--leave-without-lead")
    assert done.returncode == 0, done.stderr
    with world.as_alice():
        assert not leads(world.matter)


def test_a_lead_is_walled_off_when_another_is_left(world: World) -> None:
    with world.as_alice() as acting:
        record, username = acting.record, world.bob.username
        add_member(record, world.matter, acting.user, username=username, level="lead")
    raise_wall(world.matter.id, world.bob.user, reason=REASON)
    with pytest.raises(ValidationError, match="without a lead"):
        raise_wall(world.matter.id, world.alice.user, reason=REASON)


def test_a_wall_needs_a_reason(world: World) -> None:
    with pytest.raises(ValidationError, match="Say why"):
        raise_wall(world.matter.id, world.bob.user, reason="  ")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from access_barrier",
        "delete from access_barriersubject",
        "update access_barrier set kind = 'list'",
        "select * from auth.barrier",
        "delete from auth.barrier",
        "select auth.mask(array[1])",
    ],
)
def test_the_application_neither_reads_nor_lifts_walls(world: World, statement: str) -> None:
    with _wall(world, world.bob):
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)


def test_the_command_raises_and_lifts_on_the_record(
    world: World,
    installation: Installation,
    superuser: Callable[..., list[tuple[Any, ...]]],
) -> None:
    words = ["--person", world.bob.username, "--matter", world.matter.reference]
    words += ["--reason", REASON, "--by", world.charlie.username, "--json"]
    for what, state in (("raise", "raised"), ("lift", "lifted")):
        done = installation.manage("wall", what, *words)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["state"] == state
        again = installation.manage("wall", what, *words)
        assert (again.returncode, again.stdout) == (1, ""), again.stderr
    events = superuser(
        "select type, actor, convert_from(header, 'UTF8')::jsonb #>> '{fields,people,0}'"
        " from compliance_event where matter = %s and type like 'barrier.%%' order by recorded_at",
        [world.matter.id],
    )
    charlie, bob = world.charlie.user.public_id, str(world.bob.user.public_id)
    assert events == [("barrier.raised", charlie, bob), ("barrier.lifted", charlie, bob)]
    kept = superuser("select reason from access_barrier where matter_id = %s", [world.matter.id])
    assert kept == [(REASON,)]


def test_the_command_knows_no_such_matter_and_no_such_person(world: World) -> None:
    with pytest.raises(Missing):
        matter_id_of("no such reference")
    with pytest.raises(Missing):
        matter_id_of(str(uuid4()))
    assert matter_id_of(world.matter.reference) == world.matter.id
