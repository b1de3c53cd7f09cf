"""Break-glass that ends while an answer is written takes the answer with it."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from assistant.access import emergencies
from assistant.access.models import Emergency
from tests import glass
from tests.model_server import ModelServer, Script
from tests.people import Person, World, make_person
from tests.samples import LEASE
from tests.visitor import Visitor

ENDLESS = Script(
    text="In round {round} the monthly rent is 4,250 euros and is due. ",
    forever=True,
    between_tokens_seconds=0.02,
)
LONGEST_SECONDS = 2.0


@pytest.fixture
def olga(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


@pytest.fixture
def opened(world: World, olga: Person) -> Emergency:
    """Charlie reads Alice's matter for half an hour."""
    world.add("lease.md", LEASE)
    asked = glass.ask(world, world.charlie)
    glass.approve(asked, olga)
    return asked


@pytest.fixture
def charlie(world: World, installation: Any) -> Iterator[Visitor]:
    with Visitor(installation.address, world.charlie) as visitor:
        yield visitor


def end_it_early(opened: Emergency, olga: Person) -> None:
    with olga.entered() as acting:
        emergencies.end(acting.record, emergencies.emergency_for(opened.pk))


def let_it_expire(opened: Emergency, olga: Person) -> None:
    glass.let_expire(opened)


@pytest.mark.parametrize("end", [end_it_early, let_it_expire], ids=lambda end: end.__name__)
def test_it_stops_within_two_seconds_and_leaves_nothing(
    end: Callable[[Emergency, Person], None],
    opened: Emergency,
    olga: Person,
    world: World,
    charlie: Visitor,
    model: ModelServer,
    superuser: Any,
) -> None:
    model.enqueue(ENDLESS)
    with charlie.socket() as socket:
        answer = socket.ask("How much is the monthly rent?", world.matter.id)["answer"]
        assert "4,250" in socket.wait_for_text(answer, characters=120)
        end(opened, olga)
        began = time.monotonic()
        final = socket.events(answer, seconds=15)[-1]
        assert time.monotonic() - began <= LONGEST_SECONDS
    assert (final["state"], final["text"], final["withheld"]) == ("refused", "", True)
    stored = superuser("select state, text from chat_answer where id = %s", [answer])
    assert stored == [("refused", "")]
    assert charlie.get(f"/matters/{world.matter.id}/").status_code == 404


def test_the_evidence_of_an_answer_is_marked_in_the_record(
    opened: Emergency, olga: Person, world: World, charlie: Visitor, model: ModelServer
) -> None:
    model.enqueue("The monthly rent is 4,250 euros.")
    with charlie.socket() as socket:
        answer = socket.ask("How much is the monthly rent?", world.matter.id)["answer"]
        socket.events(answer)
    with olga.entered():
        read = emergencies.read_under(emergencies.emergency_for(opened.pk))
    assert {"question.asked", "evidence.shown"} <= {each.type for each in read}
    (shown,) = [each for each in read if each.type == "evidence.shown"]
    documents = {UUID(passage["document"]) for passage in shown.fields["passages"]}
    assert documents == {world.documents["lease.md"]}
