"""What was asked, shown and answered is in the record, locked, as it was; a wall locks it again."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from assistant.access import matters
from assistant.access.barriers import OPERATOR, Draft, lift_barrier, raise_barrier
from assistant.access.models import Kind
from assistant.chat import conversations
from assistant.chat.access import answer_for
from assistant.documents import library
from compliance import content
from compliance.events import Context
from tests import glass
from tests.installation import Installation
from tests.integration.compliance.locked import Rows, refusal, unlock
from tests.model_server import ModelServer
from tests.people import Person, World, make_person, make_world
from tests.samples import LEASE
from tests.visitor import Visitor

ASKED = "How much is the monthly rent of the old mill?"
TRUE = "The monthly rent is 4,250 euros and is due on the third working day of each month."


@pytest.fixture(scope="module")
def nora(database: Any) -> Person:
    """An auditor."""
    return make_person("nora", "auditor")


@pytest.fixture(scope="module")
def world(database: Any) -> World:
    made = make_world()
    made.add("lease.md", LEASE)
    return made


@pytest.fixture
def latest(superuser: Rows) -> Any:
    """The newest event of a type in a matter."""

    def find(kind: str, world: World) -> UUID:
        ((event_id,),) = superuser(
            "select event_id from compliance_event where type = %s and matter = %s"
            " order by recorded_at desc limit 1",
            [kind, world.matter.id],
        )
        assert isinstance(event_id, UUID)
        return event_id

    return find


@pytest.fixture(scope="module")
def answered(world: World, installation: Installation, model_server: ModelServer) -> Any:
    """A question over the live connection, its passages and its answer, as Bob saw them."""
    model_server.reset()
    model_server.enqueue(TRUE)
    with Visitor(installation.address, world.bob) as bob, bob.socket() as socket:
        accepted = socket.ask(ASKED, world.matter.id)
        events = socket.events(accepted["answer"])
    passages = next(event for event in events if event["type"] == "evidence")["passages"]
    return {"answer": UUID(accepted["answer"]), "passages": passages, "text": events[-1]["text"]}


def test_the_question_the_passages_and_the_answer_are_kept_as_they_were(
    world: World, nora: Person, answered: Any, latest: Any
) -> None:
    assert unlock(nora, latest("question.asked", world)) == ASKED
    shown = latest("evidence.shown", world)
    for rank, passage in enumerate(answered["passages"], start=1):
        assert unlock(nora, shown, f"passage_{rank}") == passage["text"]
    titles = unlock(nora, shown, "titles").splitlines()
    assert titles == [
        f"{rank}. {passage['title']}, page {passage['page']}"
        for rank, passage in enumerate(answered["passages"], start=1)
    ]
    assert unlock(nora, latest("answer.given", world), "answer") == answered["text"]


def test_no_text_of_it_stands_in_the_record_in_clear(
    world: World, answered: Any, superuser: Rows
) -> None:
    for words in (ASKED, "4,250 euros", "lease.md", "old mill"):
        assert not superuser(
            "select 1 from compliance_event e left join compliance_content c using (event_id)"
            " where position(%s::bytea in e.header) > 0 or position(%s::bytea in c.ciphertext) > 0",
            [words.encode(), words.encode()],
        ), words


@pytest.mark.usefixtures("answered")
def test_a_wall_locks_what_names_a_walled_document(
    world: World, nora: Person, latest: Any
) -> None:
    """Also an answer, which names no document and rests on one."""
    events = [latest(kind, world) for kind in ("evidence.shown", "answer.given")]
    walled = make_person("walled", "auditor")
    wall = raise_barrier(
        Context(),
        Draft(kind=Kind.SEAL, document=world.documents["lease.md"], people=(nora.user,)),
        reason="Only Nora looks into this one.",
        using=OPERATOR,
    )
    parts = ("titles", "answer")
    assert [refusal(walled, event, part) for event, part in zip(events, parts, strict=True)] == [
        "barred",
        "barred",
    ]
    assert unlock(nora, events[1], "answer")
    lift_barrier(Context(), wall.id, reason="It was a test.", using=OPERATOR)
    assert unlock(walled, events[1], "answer")


def test_titles_reasons_and_names_are_kept_too(
    world: World, nora: Person, answered: Any, latest: Any
) -> None:
    def kept(kind: str, part: str) -> str:
        return unlock(nora, latest(kind, world), part)

    with world.as_alice() as acting:
        document = library.document_for(world.documents["lease.md"])
        library.whole_text(acting.record, document)
        assert document.live_version is not None
        library.open_page(acting.record, document.live_version, 1, [])
        matters.rename_matter(acting.record, world.matter, reference="T-77", name="Mill v. Bank")
    assert kept("document.uploaded", "title") == "lease.md"
    assert kept("document.downloaded", "title") == kept("document.opened", "title") == "lease.md"
    assert kept("matter.created", "name") == "A matter"
    assert (kept("matter.renamed", "reference"), kept("matter.renamed", "name")) == (
        "T-77",
        "Mill v. Bank",
    )
    with world.bob.entered() as acting:
        answer = answer_for(answered["answer"])
        conversations.give_feedback(
            acting.record, acting.user, answer, helpful=False, text="The clause was amended."
        )
        conversation = answer.question.conversation
        conversations.thread(acting.record, conversation)
        conversations.rename(acting.record, conversation, "Rent of the mill")
        conversations.delete(acting.record, conversation)
        conversations.restore(acting.record, conversation.id)
    assert kept("feedback.given", "comment") == "The clause was amended."
    # Opened last when it was restored.
    for kind in ("conversation.renamed", "conversation.deleted", "conversation.opened"):
        assert kept(kind, "title") == "Rent of the mill"
    glass.ask(world, make_person("asker"))
    assert kept("emergency.asked", "reason") == glass.TEXT


def test_an_event_whose_text_is_empty_has_no_content(
    world: World, nora: Person, answered: Any, latest: Any
) -> None:
    with world.bob.entered() as acting:
        conversations.give_feedback(
            acting.record, acting.user, answer_for(answered["answer"]), helpful=True
        )
    with nora.entered():
        assert content.locked_parts(latest("feedback.given", world)) == ()


def test_what_is_left_in_the_application_is_counted_for_a_certificate(
    answered: Any, world: World
) -> None:
    olga = make_person("olga", "privacy_officer")
    with olga.entered(), connection.cursor() as cursor:
        cursor.execute(
            "select place, held from auth.remains_of(%s, null)", [world.matter.id]
        )
        left = dict(cursor.fetchall())
    assert (left["questions"], left["answers"], left["documents"]) == (1, 1, 1)
    assert left["passages shown"] == len(answered["passages"])
    with world.as_alice(), connection.cursor() as cursor:
        cursor.execute("select 1 from auth.remains_of(%s, null)", [world.matter.id])
        assert cursor.fetchone() is None
