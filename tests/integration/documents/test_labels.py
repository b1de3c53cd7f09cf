"""Labels bound who of a matter's people finds a document, and for what."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection

from assistant.access import purposes
from assistant.access.errors import Missing
from assistant.access.teams import set_purposes
from assistant.accounts.identity import entered
from assistant.accounts.models import Clearance
from assistant.documents import retrieve, vectors
from assistant.documents.access import document_for
from assistant.documents.labels import Labels, labels_of, set_labels
from assistant.documents.library import who_can_see
from assistant.documents.models import Document
from tests.people import Person, World, be_cleared, join_group, make_group, make_world
from tests.samples import LEASE, WARFARIN
from tests.visitor import Visitor


def _with_documents(world: World) -> World:
    world.add("lease.md", LEASE)
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
    """A world as it was; labels and clearances that a test leaves are taken back after it."""
    yield shared
    _label(shared, "lease.md", Labels())
    for person in (shared.alice, shared.bob):
        be_cleared(person, Clearance.CONFIDENTIAL)


def _label(world: World, name: str, labels: Labels) -> None:
    with world.as_alice() as acting:
        set_labels(acting.record, document_for(world.documents[name]), labels)


def _finds(person: Person, *, purpose: str = "") -> set[str]:
    vector = vectors.embedder().query("rent and warfarin")
    with person.acting() as acting:
        with entered(acting.token), connection.cursor() as cursor:
            cursor.execute("select auth.choose_purpose(%s)", [purpose])
        with entered(acting.token):
            scope = retrieve.scope_of(None)
            found = retrieve.passages_for("rent and warfarin", vector, scope=scope, limit=20)
            assert scope.passages == len(found)
    return {passage.title for passage in found}


BOTH = {"lease.md", "warfarin.md"}


def test_a_level_asks_for_a_clearance(read: World) -> None:
    be_cleared(read.alice, Clearance.SECRET)
    _label(read, "lease.md", Labels(classification=Clearance.CONFIDENTIAL))
    assert _finds(read.bob) == BOTH
    _label(read, "lease.md", Labels(classification=Clearance.SECRET))
    assert _finds(read.bob) == {"warfarin.md"}
    be_cleared(read.bob, Clearance.SECRET)
    assert _finds(read.bob) == BOTH


def test_a_restricted_document_is_for_those_with_a_grant(read: World) -> None:
    _label(read, "lease.md", Labels(restricted=True, people=(read.alice.user,)))
    assert _finds(read.bob) == {"warfarin.md"}
    group = make_group("readers")
    _label(read, "lease.md", Labels(restricted=True, people=(read.alice.user,), groups=(group,)))
    assert _finds(read.bob) == {"warfarin.md"}
    join_group(group, read.bob)
    assert _finds(read.bob) == BOTH
    assert _finds(read.charlie) == set()
    with read.as_alice():
        document = document_for(read.documents["lease.md"])
        assert who_can_see(document) == [read.alice.user, read.bob.user]
        assert labels_of(document).groups == (group,)
    _label(read, "lease.md", Labels())
    with read.as_alice():
        assert labels_of(document_for(read.documents["lease.md"])) == Labels()


def test_a_grant_lets_nobody_into_the_matter(read: World) -> None:
    people = (read.alice.user, read.charlie.user)
    _label(read, "lease.md", Labels(restricted=True, people=people))
    assert _finds(read.charlie) == set()


def test_a_document_for_a_purpose_is_found_for_that_alone(fresh: World) -> None:
    with fresh.as_alice() as acting:
        set_purposes(
            acting.record, fresh.matter, purposes="treatment, research", opens_in_emergency=False
        )
    with fresh.alice.acting() as acting:
        with entered(acting.token):
            purposes.choose(acting.record, acting.user, purpose="treatment")
        with entered(acting.token):
            assert purposes.current() == "treatment"
            document = document_for(fresh.documents["lease.md"])
            set_labels(acting.record, document, Labels(purposes=("treatment",)))
    assert _finds(fresh.bob) == {"warfarin.md"}
    assert _finds(fresh.bob, purpose="research") == {"warfarin.md"}
    assert _finds(fresh.bob, purpose="treatment") == BOTH


def test_a_command_searches_for_a_purpose(fresh: World, installation: Any) -> None:
    with fresh.as_alice() as acting:
        set_purposes(
            acting.record, fresh.matter, purposes="treatment", opens_in_emergency=False
        )
    with fresh.alice.acting() as acting:
        with entered(acting.token):
            purposes.choose(acting.record, acting.user, purpose="treatment")
        with entered(acting.token):
            document = document_for(fresh.documents["lease.md"])
            set_labels(acting.record, document, Labels(purposes=("treatment",)))
    words = ("search", "monthly rent", "--as", fresh.bob.username, "--json")
    assert "4,250" not in installation.manage(*words).stdout
    assert "4,250" in installation.manage(*words, "--purpose", "treatment").stdout
    refused = installation.manage(*words, "--purpose", "billing")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_only_purposes_that_are_offered_and_allowed_are_chosen(
    fresh: World, superuser: Any
) -> None:
    with fresh.as_alice() as acting:
        set_purposes(
            acting.record, fresh.matter, purposes="treatment research", opens_in_emergency=False
        )
    superuser(
        "update accounts_user set purposes = array['research'] where id = %s", [fresh.bob.user.pk]
    )
    fresh.bob.user.refresh_from_db()
    with fresh.bob.entered() as acting:
        assert [each.word for each in purposes.offered(acting.user)] == ["research"]
        for word in ("treatment", "billing"):
            with pytest.raises(ValidationError):
                purposes.choose(acting.record, acting.user, purpose=word)
    with fresh.bob.entered(), connection.cursor() as cursor:
        cursor.execute("select auth.choose_purpose('treatment')")
        assert cursor.fetchone() == (False,), "the database holds to it"


def test_a_new_version_keeps_the_labels(fresh: World) -> None:
    _label(fresh, "lease.md", Labels(restricted=True, people=(fresh.alice.user,)))
    fresh.add("lease.md", LEASE.replace("4,250", "4,350"))
    assert _finds(fresh.bob) == {"warfarin.md"}
    assert _finds(fresh.alice) == BOTH


def test_whoever_cannot_see_a_document_may_upload_one_of_its_name(fresh: World) -> None:
    _label(fresh, "lease.md", Labels(restricted=True, people=(fresh.alice.user,)))
    version = fresh.upload("lease.md", f"Another lease. {uuid4()}", by=fresh.bob)
    assert version.document_id != fresh.documents["lease.md"]
    assert version.number == 1
    _label(fresh, "lease.md", Labels())
    with fresh.bob.entered():
        assert Document.objects.filter(title="lease.md").count() == 2


def test_nobody_labels_a_document_out_of_their_own_sight(read: World) -> None:
    for labels in (
        Labels(classification=Clearance.SECRET),
        Labels(restricted=True, people=(read.bob.user,)),
        Labels(purposes=("treatment",)),
    ):
        with pytest.raises(ValidationError, match="could not read"):
            _label(read, "lease.md", labels)
    assert _finds(read.alice) == _finds(read.bob) == BOTH


def test_only_leads_label(read: World) -> None:
    with read.as_alice():
        document = document_for(read.documents["lease.md"])
    for labels in (Labels(classification=Clearance.CONFIDENTIAL), Labels(restricted=True)):
        for person in (read.bob, read.charlie):
            with pytest.raises(Missing), person.entered() as acting:
                set_labels(acting.record, document, labels)


@pytest.mark.parametrize(
    "statement",
    [
        "update documents_document set classification = 0",
        "update documents_document set is_restricted = false",
        "update documents_document set acl_group = 1",
        "update access_matter set acl_group = 1",
        "insert into documents_documentgrant (document_id, user_id)"
        " select d.id, u.id from documents_document d, accounts_user u",
    ],
)
def test_injected_sql_changes_no_label(read: World, statement: str) -> None:
    with pytest.raises(DatabaseError), read.bob.entered(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_labels_are_on_the_record(fresh: World, superuser: Callable[..., Any]) -> None:
    _label(fresh, "lease.md", Labels(restricted=True, people=(fresh.alice.user,)))
    told = superuser(
        "select actor, convert_from(header, 'UTF8')::jsonb #>> '{fields,people,0}'"
        " from compliance_event where type = 'document.labelled' and object = %s",
        [fresh.documents["lease.md"]],
    )
    assert told == [(fresh.alice.user.public_id, str(fresh.alice.user.public_id))]


def test_the_page_sets_them_and_the_library_shows_them(read: World, installation: Any) -> None:
    address = f"/documents/{read.documents['lease.md']}/labels/"
    with Visitor(installation.address, read.alice) as visitor:
        assert read.bob.user.display_name in visitor.get(address).text
        form = {"classification": "1", "restricted": "yes", "people": [read.alice.username]}
        assert visitor.post(address, form).status_code == 302
        library = visitor.get(f"/matters/{read.matter.id}/documents/").text
        assert "Restricted" in library
        assert "Confidential" in library
        refused = visitor.post(address, {"classification": "2"})
        assert refused.status_code == 400
        assert "could not read" in refused.text
    with Visitor(installation.address, read.bob) as visitor:
        assert visitor.get(address).status_code == 404


def test_a_purpose_is_chosen_at_sign_in_and_shown(fresh: World, installation: Any) -> None:
    with fresh.as_alice() as acting:
        set_purposes(
            acting.record, fresh.matter, purposes="deal_team", opens_in_emergency=False
        )
    with Visitor(installation.address, fresh.bob) as visitor:
        first = visitor.get("/")
        assert (first.status_code, first.headers["Location"]) == (302, "/purpose/")
        assert "Deal team" in visitor.get("/purpose/").text
        assert visitor.post("/purpose/", {"purpose": "deal_team"}).status_code == 302
        page = visitor.get("/")
        assert page.status_code == 200
        assert "purpose: deal team" in page.text
        assert visitor.post("/purpose/", {"purpose": "treatment"}).status_code == 400
