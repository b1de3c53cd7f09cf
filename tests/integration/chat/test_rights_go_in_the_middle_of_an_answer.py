"""A right that goes while an answer is written takes the answer with it, within two seconds."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connection
from websockets.exceptions import ConnectionClosed

from assistant.access.barriers import OPERATOR, Draft, raise_barrier
from assistant.access.matters import add_member, remove_member
from assistant.access.models import Kind
from assistant.accounts import people
from assistant.accounts.identity import entered
from assistant.accounts.models import Clearance
from assistant.accounts.sessions import identity_token
from assistant.documents.access import document_for
from assistant.documents.labels import Labels, set_labels
from compliance.events import Context
from tests.model_server import ModelServer, Script
from tests.people import World, be_cleared
from tests.samples import LEASE
from tests.visitor import Socket, Visitor

ASKED = "How much is the monthly rent of the old mill?"
CANARY = "zanthoxylum-4417"
ENDLESS = Script(
    text=f"In round {{round}} of {CANARY} the monthly rent is 4,250 euros and is due. ",
    forever=True,
    between_tokens_seconds=0.02,
)
LONGEST_SECONDS = 2.0


@pytest.fixture
def read(world: World) -> World:
    world.add("lease.md", f"{LEASE}\nThe tenant is {_tenant(world)}.\n")
    return world


def _tenant(world: World) -> str:
    """A name that no other test's documents have."""
    return f"Quillfeather {world.matter.reference}"


@pytest.fixture
def bob(read: World, installation: Any) -> Iterator[Visitor]:
    with Visitor(installation.address, read.bob) as visitor:
        yield visitor


def be_walled_off(world: World, bob: Visitor) -> None:
    wall = Draft(kind=Kind.WALL, matter=world.matter.id, people=(world.bob.user,))
    raise_barrier(Context(), wall, reason="The other side.", using=OPERATOR)


def see_a_seal_on_the_document(world: World, bob: Visitor) -> None:
    seal = Draft(kind=Kind.SEAL, document=world.documents["lease.md"], people=(world.alice.user,))
    raise_barrier(Context(), seal, reason="Order of the court.", using=OPERATOR)


def see_a_name_listed(world: World, bob: Visitor) -> None:
    listed = Draft(kind=Kind.LIST, names=(_tenant(world),), people=(world.alice.user,))
    raise_barrier(Context(), listed, reason="Inside information.", using=OPERATOR)


def be_taken_out(world: World, bob: Visitor) -> None:
    with world.as_alice() as acting:
        remove_member(acting.record, world.matter, user_public_id=world.bob.user.public_id)


def see_it_classified_higher(world: World, bob: Visitor) -> None:
    be_cleared(world.alice, Clearance.SECRET)
    with world.as_alice() as acting:
        document = document_for(world.documents["lease.md"])
        set_labels(acting.record, document, Labels(classification=Clearance.SECRET))


def lose_the_clearance(world: World, bob: Visitor) -> None:
    with world.as_alice() as acting:
        document = document_for(world.documents["lease.md"])
        set_labels(acting.record, document, Labels(classification=Clearance.CONFIDENTIAL))
    be_cleared(world.bob, Clearance.INTERNAL)


def choose_another_purpose(world: World, bob: Visitor) -> None:
    token = identity_token(bob.http.cookies["cloister"])
    with entered(token), connection.cursor() as cursor:
        cursor.execute("select auth.choose_purpose('research')")
        assert cursor.fetchone() == (True,)


def be_signed_out(world: World, bob: Visitor) -> None:
    people.end_sessions(Context(), world.bob.user)


def be_disabled(world: World, bob: Visitor) -> None:
    people.set_active(Context(), world.bob.user, active=False)


RIGHTS = [
    be_walled_off,
    see_a_seal_on_the_document,
    see_a_name_listed,
    be_taken_out,
    see_it_classified_higher,
    lose_the_clearance,
    choose_another_purpose,
]
SESSIONS = [be_signed_out, be_disabled]


def _begin(socket: Socket, world: World) -> str:
    answer: str = socket.ask(ASKED, world.matter.id)["answer"]
    assert CANARY in socket.wait_for_text(answer, characters=120)
    return answer


def _wait_until_closed(socket: Socket) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.receive(15)


def _nothing_is_left(
    answer: str, installation: Any, model: ModelServer, superuser: Callable[..., Any]
) -> None:
    """No text of it in the database, the live stream or a log; nobody writes any more."""
    until = time.monotonic() + LONGEST_SECONDS
    while model.open_streams and time.monotonic() < until:
        time.sleep(0.05)
    assert model.open_streams == 0
    stored = superuser(
        "select state, text, sentences::text, finished_at is not null from chat_answer"
        " where id = %s",
        [answer],
    )
    assert stored == [("refused", "", "[]", True)]
    for table in ("chat_evidence", "chat_citation"):
        assert superuser(f"select count(*) from {table} where answer_id = %s", [answer]) == [(0,)]
    with redis.Redis.from_url(installation.state()["redis"]) as live:
        left = str(live.xrange(f"answer:{answer}"))
    assert CANARY not in left
    assert "4,250" not in left
    for log in Path(installation.home).rglob("*.log"):
        assert CANARY not in log.read_text(errors="replace"), log


@pytest.mark.parametrize("lose", RIGHTS, ids=lambda lose: lose.__name__)
def test_an_answer_ends_with_the_right_to_it(
    lose: Callable[[World, Visitor], None],
    read: World,
    bob: Visitor,
    installation: Any,
    model: ModelServer,
    superuser: Any,
) -> None:
    model.enqueue(ENDLESS)
    with bob.socket() as socket:
        answer = _begin(socket, read)
        lose(read, bob)
        began = time.monotonic()
        final = socket.events(answer, seconds=15)[-1]
        assert time.monotonic() - began <= LONGEST_SECONDS
    assert (final["state"], final["text"], final["sentences"]) == ("refused", "", [])
    assert final["withheld"] is True
    _nothing_is_left(answer, installation, model, superuser)


@pytest.mark.parametrize("end", SESSIONS, ids=lambda end: end.__name__)
def test_an_answer_ends_with_its_session(
    end: Callable[[World, Visitor], None],
    read: World,
    bob: Visitor,
    installation: Any,
    model: ModelServer,
    superuser: Any,
) -> None:
    model.enqueue(ENDLESS)
    with bob.socket() as socket:
        answer = _begin(socket, read)
        end(read, bob)
        began = time.monotonic()
        _wait_until_closed(socket)
        assert time.monotonic() - began <= LONGEST_SECONDS
    _nothing_is_left(answer, installation, model, superuser)


def test_an_answer_goes_on_when_others_lose_or_the_asker_gains(
    read: World, bob: Visitor, model: ModelServer
) -> None:
    model.enqueue(ENDLESS)
    with bob.socket() as socket:
        answer = _begin(socket, read)
        wall = Draft(kind=Kind.WALL, matter=read.matter.id, people=(read.charlie.user,))
        raise_barrier(Context(), wall, reason="Another.", using=OPERATOR)
        with read.as_alice() as acting:
            username = read.bob.username
            add_member(acting.record, read.matter, acting.user, username=username, level="lead")
        time.sleep(1.5)
        socket.send(type="stop", answer=answer)
        assert socket.events(answer)[-1]["state"] == "stopped"


def test_that_it_was_withheld_is_on_the_record(
    read: World, bob: Visitor, model: ModelServer, superuser: Any
) -> None:
    model.enqueue(ENDLESS)
    with bob.socket() as socket:
        answer = _begin(socket, read)
        be_walled_off(read, bob)
        socket.events(answer, seconds=15)
    events = superuser(
        "select type, actor, convert_from(header, 'UTF8')::jsonb #>> '{fields,reason}'"
        " from compliance_event where object = %s and outcome = 'refused'",
        [UUID(answer)],
    )
    assert events == [("answer.refused", read.bob.user.public_id, "lost_rights")]
