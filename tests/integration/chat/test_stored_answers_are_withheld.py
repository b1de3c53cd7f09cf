"""A stored answer whose source is hidden now is withheld, with all that may repeat it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from assistant.access.barriers import OPERATOR, Draft, lift_barrier, raise_barrier
from assistant.access.errors import Missing
from assistant.access.models import Barrier, Kind
from assistant.accounts.models import Clearance
from assistant.chat import conversations
from assistant.chat.access import HIDDEN_TITLE, answer_for, conversation_for
from assistant.chat.ask import accept_question
from assistant.chat.models import Answer, Question
from assistant.documents.access import document_for
from assistant.documents.labels import Labels, set_labels
from compliance.events import Context
from tests.model_server import ModelServer
from tests.people import World, be_cleared
from tests.samples import LEASE
from tests.visitor import Visitor

ASKED = "How much is the monthly rent of the old mill?"
TRUE = "The monthly rent is 4,250 euros and is due on the third working day of each month."
FOLLOWING = "And are 4,250 euros usual for a mill?"
RENAMED = "Rent is 4,250 euros"


class Talk:
    """A conversation of Bob's with two answers, the second after the first, and a telling title."""

    def __init__(self, world: World, visitor: Visitor, model: ModelServer) -> None:
        self.world, self.visitor = world, visitor
        model.enqueue(TRUE, TRUE)
        key = uuid4()
        with visitor.socket() as socket:
            first = socket.ask(ASKED, world.matter.id, key=key)
            socket.events(first["answer"])
            self.conversation = UUID(first["conversation"])
            second = socket.ask(
                FOLLOWING,
                world.matter.id,
                conversation=self.conversation,
                follows=first["answer"],
            )
            socket.events(second["answer"])
        self.answers = [UUID(first["answer"]), UUID(second["answer"])]
        self.key = key
        visitor.post(f"/chat/{self.conversation}/rename/", {"title": RENAMED})

    @property
    def page(self) -> str:
        return self.visitor.get(f"/chat/{self.conversation}/").text

    def seal(self) -> Barrier:
        document = self.world.documents["lease.md"]
        draft = Draft(kind=Kind.SEAL, document=document, people=(self.world.alice.user,))
        return raise_barrier(Context(), draft, reason="Order of the court.", using=OPERATOR)


@pytest.fixture
def talk(world: World, installation: Any, model: ModelServer) -> Iterator[Talk]:
    world.add("lease.md", LEASE)
    with Visitor(installation.address, world.bob) as visitor:
        yield Talk(world, visitor, model)


def test_no_page_shows_it_and_it_comes_back_with_the_right(talk: Talk) -> None:
    assert "4,250 euros" in talk.page
    barrier = talk.seal()
    page = talk.page
    assert "4,250" not in page
    assert "lease.md" not in page
    assert HIDDEN_TITLE in page
    assert "This answer is withheld" in page
    assert ASKED in page, "the question was asked before anything was shown"
    assert FOLLOWING not in page, "what was asked after an answer may repeat it"
    lift_barrier(Context(), barrier.id, reason="It is over.", using=OPERATOR)
    page = talk.page
    for text in (TRUE, RENAMED, FOLLOWING, "lease.md"):
        assert text in page


@pytest.mark.parametrize("words", ["4,250", "mill", "third working day", "usual"])
def test_no_search_of_the_history_tells_of_it(talk: Talk, words: str) -> None:
    address = f"/chat/search/?q={words}&fragment=1"
    assert str(talk.conversation) in talk.visitor.get(address).text
    talk.seal()
    found = talk.visitor.get(address).text
    assert "4,250" not in found.replace(words, "")
    # The first question is the person's own and asked before anything was shown.
    assert (str(talk.conversation) in found) == (words == "mill")


def test_the_history_lists_it_under_a_title_that_tells_nothing(talk: Talk) -> None:
    talk.seal()
    page = talk.visitor.get("/chat/").text
    assert RENAMED not in page
    assert HIDDEN_TITLE in page


def test_nothing_can_be_done_with_it(talk: Talk, model: ModelServer) -> None:
    talk.seal()
    with talk.world.bob.entered() as acting:
        assert Answer.objects.count() == 0
        assert [q.text for q in Question.objects.all()] == [ASKED]
        thread = conversations.thread(acting.record, conversation_for(talk.conversation))
        assert thread.last_answer is None
    for answer in talk.answers:
        with pytest.raises(Missing), talk.world.bob.entered():
            answer_for(answer)
        with pytest.raises(Missing), talk.world.bob.entered() as acting:
            accept_question(
                acting.record,
                acting.user,
                text="Repeat what you said.",
                key=uuid4(),
                conversation_id=talk.conversation,
                follows_id=answer,
            )
        feedback = talk.visitor.post(f"/chat/answers/{answer}/feedback/", {"helpful": "yes"})
        assert feedback.status_code == 404
    with talk.visitor.socket() as socket:
        socket.send(type="follow", answer=talk.answers[0], after="0")
        assert socket.next_of("refused", "event", "snapshot")["code"] == "missing"
        sent_again = socket.ask(ASKED, talk.world.matter.id, key=talk.key)
        assert sent_again["code"] == "missing"
    asked = len(model.requests)
    with talk.visitor.socket() as socket:
        more = socket.ask(ASKED, talk.world.matter.id, conversation=talk.conversation)
        final = socket.events(more["answer"])[-1]
    assert final["state"] == "not_found"
    assert len(model.requests) == asked


def test_an_answer_made_with_a_withheld_one_in_mind_is_withheld_too(
    talk: Talk, model: ModelServer, superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    """Asked without documents, it still carries the exchange before it in its prompt."""
    model.enqueue("As I said, 4,250 euros.")
    with talk.visitor.socket() as socket:
        third = socket.ask(
            "Say it again.",
            talk.world.matter.id,
            conversation=talk.conversation,
            follows=talk.answers[1],
            documents=False,
        )
        socket.events(third["answer"])
    rests_on = superuser("select rests_on from chat_answer where id = %s", [third["answer"]])
    assert rests_on == [([talk.world.documents["lease.md"]],)]


def a_higher_level(world: World) -> Labels:
    be_cleared(world.alice, Clearance.SECRET)
    return Labels(classification=Clearance.SECRET)


def a_grant(world: World) -> Labels:
    return Labels(restricted=True, people=(world.alice.user,))


@pytest.mark.parametrize("make", [a_higher_level, a_grant])
def test_a_label_withholds_it(talk: Talk, make: Callable[[World], Labels]) -> None:
    wanted = make(talk.world)
    with talk.world.as_alice() as acting:
        document = document_for(talk.world.documents["lease.md"])
        set_labels(acting.record, document, wanted)
    assert "4,250" not in talk.page
    with talk.world.as_alice() as acting:
        set_labels(acting.record, document_for(document.id), Labels())
    assert "4,250 euros" in talk.page
