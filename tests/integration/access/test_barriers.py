"""Barriers of every kind, around everything they can stand around, and what they say beforehand."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from assistant.access import barriers as verbs
from assistant.access.barriers import OPERATOR, Draft, effect, lift_barrier, raise_barrier
from assistant.access.errors import Missing
from assistant.access.matters import create_matter, my_matters
from assistant.access.models import Barrier, Client, Kind
from assistant.access.teams import add_team, set_client
from assistant.accounts.attempts import SIGNIN
from assistant.accounts.directory import groups as directory
from assistant.documents import retrieve, vectors
from assistant.documents.access import document_for
from compliance.events import Context
from tests.installation import Installation
from tests.people import Person, World, join_group, make_group, make_person, make_world
from tests.samples import LEASE, WARFARIN
from tests.visitor import Visitor

REASON = "Advised the other side last year."


@pytest.fixture
def officer(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


def _with_documents(world: World) -> World:
    world.add("lease.md", f"{LEASE}\nThe tenant is {_name(world)}.\n")
    world.add("warfarin.md", WARFARIN)
    return world


@pytest.fixture
def fresh(world: World) -> World:
    """A world for a test that leaves it changed."""
    return _with_documents(world)


@pytest.fixture(scope="module")
def shared(database: Any) -> World:
    return _with_documents(make_world())


@pytest.fixture
def read(shared: World) -> Iterator[World]:
    """A world as it was; the barriers that a test leaves standing are lifted after it."""
    yield shared
    for barrier in Barrier.objects.using(OPERATOR).filter(lifted_at__isnull=True):
        lift_barrier(Context(), barrier.id, reason="The test is over.", using=OPERATOR)


def _name(world: World) -> str:
    return f"Quillfeather {world.matter.reference}"


def _client_of(world: World) -> UUID:
    """A client of this matter alone, which its lead names."""
    with world.as_alice() as acting:
        set_client(acting.record, world.matter, acting.user, name=f"Client {uuid4().hex[:6]}")
    assert world.matter.client_id is not None
    return world.matter.client_id


def _sees(person: Person, world: World) -> set[str]:
    """The documents that a person finds, opens and counts, which must be the same ones."""
    with person.entered() as acting:
        opened = set()
        for name, document_id in world.documents.items():
            try:
                document_for(document_id)
            except Missing:
                continue
            opened.add(name)
        vector = vectors.embedder().query("rent and warfarin")
        scope = retrieve.scope_of(None)
        found = retrieve.passages_for("rent and warfarin", vector, scope=scope, limit=20)
        counted = sum(matter.documents for matter in my_matters(acting.user))
    assert {passage.title for passage in found} == opened
    assert counted == len(opened)
    return opened


def _raise(draft: Draft) -> Barrier:
    return raise_barrier(Context(), draft, reason=REASON, leave_without_lead=True, using=OPERATOR)


BOTH = {"lease.md", "warfarin.md"}
Make = Callable[[World], Draft]


def around_the_matter(world: World) -> Draft:
    return Draft(kind=Kind.WALL, matter=world.matter.id, people=(world.bob.user,))


def around_the_client(world: World) -> Draft:
    return Draft(kind=Kind.WALL, client=_client_of(world), people=(world.bob.user,))


def around_a_document(world: World) -> Draft:
    document = world.documents["lease.md"]
    return Draft(kind=Kind.WALL, document=document, people=(world.bob.user,))


def around_a_name(world: World) -> Draft:
    return Draft(kind=Kind.WALL, names=(_name(world).upper(),), people=(world.bob.user,))


def against_a_group(world: World) -> Draft:
    group = make_group("conflicted", world.bob)
    return Draft(kind=Kind.WALL, matter=world.matter.id, groups=(group,))


def sealed_for_alice(world: World) -> Draft:
    document = world.documents["lease.md"]
    return Draft(kind=Kind.SEAL, document=document, people=(world.alice.user,))


def sealed_for_a_group(world: World) -> Draft:
    return Draft(
        kind=Kind.SEAL, matter=world.matter.id, groups=(make_group("counsel", world.alice),)
    )


def listed_for_the_deal_team(world: World) -> Draft:
    team = make_group("deal team", world.alice)
    return Draft(kind=Kind.LIST, names=(_name(world),), groups=(team,))


@pytest.mark.parametrize(
    ("make", "left"),
    [
        (around_the_matter, set()),
        (around_the_client, set()),
        (around_a_document, {"warfarin.md"}),
        (around_a_name, {"warfarin.md"}),
        (against_a_group, set()),
        (sealed_for_alice, {"warfarin.md"}),
        (sealed_for_a_group, set()),
        (listed_for_the_deal_team, {"warfarin.md"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_barrier_closes_what_it_stands_around_and_says_so_before(
    make: Make, left: set[str], read: World
) -> None:
    draft = make(read)
    foreseen = effect(draft, using=OPERATOR)
    assert (_sees(read.bob, read), _sees(read.alice, read)) == (BOTH, BOTH), "a look is no change"
    assert [row.username for row in foreseen.closed] == [read.bob.username]
    (row,) = foreseen.closed
    assert (row.documents, row.whole) == (len(BOTH - left), not left)
    barrier = _raise(draft)
    assert (_sees(read.bob, read), _sees(read.alice, read)) == (left, BOTH)
    lift_barrier(Context(), barrier.id, reason="It is over.", using=OPERATOR)
    assert (_sees(read.bob, read), _sees(read.alice, read)) == (BOTH, BOTH)


def test_a_seal_that_names_nobody_closes_to_everybody(read: World) -> None:
    draft = Draft(kind=Kind.SEAL, matter=read.matter.id)
    foreseen = effect(draft, using=OPERATOR)
    assert foreseen.leaderless == (read.matter.reference,)
    with pytest.raises(ValidationError, match="without a lead"):
        raise_barrier(Context(), draft, reason=REASON, using=OPERATOR)
    _raise(draft)
    assert (_sees(read.bob, read), _sees(read.alice, read)) == (set(), set())


def test_a_list_covers_documents_that_come_later_and_new_versions(fresh: World) -> None:
    _raise(listed_for_the_deal_team(fresh))
    fresh.add("note.md", f"A note on {_name(fresh)} and what it will pay.")
    assert _sees(fresh.bob, fresh) == {"warfarin.md"}
    fresh.add("warfarin.md", f"{WARFARIN}\nPrepared for {_name(fresh)}.")
    assert _sees(fresh.bob, fresh) == set()
    assert _sees(fresh.alice, fresh) == {"lease.md", "warfarin.md", "note.md"}


def test_whoever_joins_a_walled_group_is_walled_off_at_once(fresh: World) -> None:
    group = make_group("conflicted")
    _raise(Draft(kind=Kind.WALL, matter=fresh.matter.id, groups=(group,)))
    assert _sees(fresh.bob, fresh) == BOTH
    join_group(group, fresh.bob)
    assert _sees(fresh.bob, fresh) == set()


def test_a_wall_against_a_group_outlives_the_group(fresh: World) -> None:
    group = make_group("conflicted", fresh.bob)
    barrier = _raise(Draft(kind=Kind.WALL, matter=fresh.matter.id, groups=(group,)))
    with fresh.as_alice() as acting:
        add_team(acting.record, fresh.matter, acting.user, group_id=group.id)
    with transaction.atomic(using=SIGNIN):
        directory.remove(Context(), directory.group(str(group.id)))
    assert _sees(fresh.bob, fresh) == set()
    lift_barrier(Context(), barrier.id, reason="It is over.", using=OPERATOR)
    assert _sees(fresh.bob, fresh) == BOTH


def test_a_wall_around_a_client_holds_for_matters_that_come_to_it_later(fresh: World) -> None:
    with fresh.as_alice() as acting:
        other = create_matter(acting.record, acting.user, reference="other", name="Other")
        set_client(acting.record, other, acting.user, name=f"Client {uuid4().hex[:6]}")
    _raise(Draft(kind=Kind.WALL, client=other.client_id, people=(fresh.bob.user,)))
    assert _sees(fresh.bob, fresh) == BOTH
    with fresh.as_alice() as acting:
        client = Client.objects.get(matters=other)
        set_client(acting.record, fresh.matter, acting.user, name=client.name)
    assert _sees(fresh.bob, fresh) == set()


def test_a_team_lets_people_in_and_a_wall_beats_it(fresh: World) -> None:
    group = make_group("team", fresh.charlie)
    with fresh.as_alice() as acting:
        add_team(acting.record, fresh.matter, acting.user, group_id=group.id)
    assert _sees(fresh.charlie, fresh) == BOTH
    barrier = _raise(
        Draft(kind=Kind.WALL, matter=fresh.matter.id, people=(fresh.charlie.user,))
    )
    assert _sees(fresh.charlie, fresh) == set()
    lift_barrier(Context(), barrier.id, reason="It is over.", using=OPERATOR)
    assert _sees(fresh.charlie, fresh) == BOTH


@pytest.mark.parametrize(
    "draft",
    [
        Draft(kind=Kind.WALL),
        Draft(kind=Kind.SEAL),
        Draft(kind=Kind.SEAL, matter=uuid4(), document=uuid4()),
        Draft(kind=Kind.WALL, matter=uuid4()),
    ],
)
def test_a_barrier_stands_around_one_thing_and_a_wall_names_somebody(
    draft: Draft, database: Any
) -> None:
    with pytest.raises(ValidationError):
        raise_barrier(Context(), draft, reason=REASON, using=OPERATOR)


# --- Who may -----------------------------------------------------------------------------------


def test_an_officer_raises_and_lifts_without_seeing_what_is_behind(
    read: World, officer: Person
) -> None:
    draft = around_a_name(read)
    with officer.entered() as acting:
        assert read.matter.id in [matter.id for matter in verbs.matter_names()]
        assert [row.documents for row in effect(draft).closed] == [1]
        barrier = raise_barrier(acting.record, draft, reason=REASON, by=acting.user)
        assert barrier.id in [each.id for each in verbs.barriers(acting.record)]
        assert my_matters(acting.user) == []
    assert _sees(officer, read) == set()
    assert _sees(read.bob, read) == {"warfarin.md"}
    with officer.entered() as acting:
        lift_barrier(acting.record, barrier.id, reason="It is over.", by=acting.user)
    assert _sees(read.bob, read) == BOTH


def test_nobody_lifts_a_wall_that_keeps_them_out(read: World, officer: Person) -> None:
    draft = Draft(kind=Kind.WALL, matter=read.matter.id, people=(officer.user,))
    barrier = _raise(draft)
    with pytest.raises(ValidationError, match="somebody else"), officer.entered() as acting:
        lift_barrier(acting.record, barrier.id, reason="I would like in.", by=acting.user)
    other = make_person("otto", "privacy_officer")
    with other.entered() as acting:
        lift_barrier(acting.record, barrier.id, reason="It is over.", by=acting.user)


@pytest.mark.parametrize("name", ["alice", "bob", "charlie"])
def test_others_do_not_raise_see_or_lift_barriers(name: str, read: World) -> None:
    person: Person = getattr(read, name)
    barrier = _raise(around_a_name(read))
    with person.entered():
        assert Barrier.objects.count() == 0
        assert verbs.matter_names() == []
    with pytest.raises(Missing), person.entered() as acting:
        lift_barrier(acting.record, barrier.id, reason="x", by=acting.user)
    for attempt in (effect, lambda draft: raise_barrier(Context(), draft, reason="x")):
        with pytest.raises(DatabaseError), person.entered():
            attempt(around_the_matter(read))


def test_a_barrier_is_lifted_and_never_rewritten(read: World, officer: Person) -> None:
    _raise(around_a_name(read))
    for statement in (
        "update access_barrier set names = '{}'",
        "update access_barrier set lifted_by_id = null, kind = 'list'",
        "delete from access_barrier",
        "delete from access_barriersubject",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), officer.entered():
            with connection.cursor() as cursor:
                cursor.execute(statement)


def test_it_is_on_the_record_with_commitments_alone(
    read: World, officer: Person, superuser: Any
) -> None:
    with officer.entered() as acting:
        draft = around_a_name(read)
        barrier = raise_barrier(acting.record, draft, reason=REASON, by=acting.user)
        lift_barrier(acting.record, barrier.id, reason="It is over.", by=acting.user)
    events = superuser(
        "select type, actor, convert_from(header, 'UTF8') from compliance_event where object = %s"
        " order by recorded_at",
        [barrier.id],
    )
    officers = officer.user.public_id
    assert [event[:2] for event in events] == [
        ("barrier.raised", officers),
        ("barrier.lifted", officers),
    ]
    said = "".join(event[2] for event in events)
    for text in (REASON, "It is over", _name(read), read.bob.user.display_name):
        assert text not in said


# --- The command and the page ------------------------------------------------------------------


def test_the_command_previews_raises_lists_and_lifts(
    read: World, installation: Installation
) -> None:
    words = ["--kind", "list", "--name", _name(read), "--person", read.alice.username, "--json"]
    seen = installation.manage("barrier", "raise", *words, "--preview")
    assert seen.returncode == 0, seen.stderr
    (row,) = [json.loads(line) for line in seen.stdout.splitlines()]
    assert (row["person"], row["documents"]) == (read.bob.username, 1)
    assert _sees(read.bob, read) == BOTH
    without = installation.manage("barrier", "raise", *words)
    assert (without.returncode, without.stdout) == (1, "")
    assert "Say why" in without.stderr
    raised = installation.manage("barrier", "raise", *words, "--reason", REASON)
    identifier = json.loads(raised.stdout)["barrier"]
    assert _sees(read.bob, read) == {"warfarin.md"}
    listed = installation.manage("barrier", "list", "--json")
    assert identifier in [json.loads(line)["barrier"] for line in listed.stdout.splitlines()]
    lifted = installation.manage("barrier", "lift", identifier, "--reason", "Over.", "--json")
    assert json.loads(lifted.stdout)["state"] == "lifted"
    assert _sees(read.bob, read) == BOTH


@pytest.fixture
def desk(officer: Person, installation: Any) -> Iterator[Visitor]:
    with Visitor(installation.address, officer) as visitor:
        yield visitor


def test_the_page_shows_the_effect_before_it_raises(read: World, desk: Visitor) -> None:
    form = {
        "kind": "wall",
        "place": "names",
        "names": _name(read),
        "people": read.bob.username,
        "reason": REASON,
    }
    page = desk.post("/barriers/preview/", form)
    assert page.status_code == 200
    assert read.bob.username in page.text
    assert "1 document" in page.text
    assert "lease.md" not in page.text
    assert _sees(read.bob, read) == BOTH
    assert desk.post("/barriers/raise/", form).status_code == 302
    assert _sees(read.bob, read) == {"warfarin.md"}
    assert _name(read) in desk.get("/barriers/").text
    missing = desk.post("/barriers/preview/", {**form, "people": "nobody-of-that-name"})
    assert missing.status_code == 400
    assert "no active account" in missing.text


