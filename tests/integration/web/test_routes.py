"""Who gets what at every address of the site. An address that is not declared fails the test."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.urls import reverse
from websockets.exceptions import ConnectionClosed

from assistant.access.barriers import OPERATOR, Draft, raise_barrier
from assistant.access.matters import add_member, remove_member
from assistant.access.models import Kind
from assistant.access.teams import add_team
from assistant.accounts.models import Session, User
from assistant.chat import conversations
from assistant.chat.ask import accept_question
from assistant.chat.consumers import ChatConsumer
from assistant.documents import intake
from compliance.events import Context
from tests import glass
from tests.integration.parse.conftest import make_pdf
from tests.integration.web.routes import (
    EVERYBODY,
    FOR_STRANGERS,
    FROM_ELSEWHERE,
    ROUTES,
    Route,
    Things,
    addresses_of_the_site,
)
from tests.people import Person, World, make_group, make_person, make_world
from tests.samples import LEASE, WARFARIN
from tests.visitor import Visitor

POSTS = sorted(name for name, route in ROUTES.items() if route.method == "POST")
GETS = sorted(name for name, route in ROUTES.items() if route.method == "GET")
GUARDED = sorted(name for name, route in ROUTES.items() if route.allowed != EVERYBODY)
NAMING = [name for name in GUARDED if ROUTES[name].takes_ids]
# What differs between any two pages: the tokens of forms and the reference of the request.
_PASSING = re.compile(r'value="[A-Za-z0-9]{64}"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


@pytest.fixture(scope="module")
def house(database: Any) -> World:
    """A matter with Alice and Bob, and Charlie outside."""
    return make_world()


@pytest.fixture(scope="module")
def visitors(house: World, installation: Any) -> Iterator[dict[str, Visitor]]:
    """Everybody, each at a browser of their own."""
    people: dict[str, Person | None] = {
        "anonymous": None,
        "outsider": house.charlie,
        "walled": _walled(house),
        "former": _former(house),
        "member": house.bob,
        "lead": house.alice,
        "auditor": make_person("auditor", "auditor"),
        "officer": make_person("officer", "privacy_officer"),
        "administrator": make_person("administrator", "administrator"),
    }
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(Visitor(installation.address, person))
            for kind, person in people.items()
        }


def _walled(house: World) -> Person:
    """A lead of the matter behind a wall."""
    walled = make_person("walled")
    with house.as_alice() as acting:
        username = walled.username
        add_member(acting.record, house.matter, acting.user, username=username, level="lead")
    raise_barrier(
        Context(),
        Draft(kind=Kind.WALL, matter=house.matter.id, people=(walled.user,)),
        reason="For the test of addresses.",
        using=OPERATOR,
    )
    return walled


def _former(house: World) -> Person:
    """Somebody who was in the matter."""
    former = make_person("former")
    with house.as_alice() as acting:
        username = former.username
        add_member(acting.record, house.matter, acting.user, username=username, level="member")
        remove_member(acting.record, house.matter, user_public_id=former.user.public_id)
    return former


@pytest.fixture(scope="module")
def things(
    house: World,
    visitors: dict[str, Visitor],
    installation: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Things:
    """One of everything that an address can name; one more of what a test takes away."""
    text = "BT /F1 20 Tf 60 700 Td (The fee is twelve euros.) Tj ET"
    pdf = house.add("fee.pdf", make_pdf(tmp_path_factory.mktemp("pdf") / "fee.pdf", text))
    read = house.add("lease.md", LEASE)
    unwanted = house.add("unwanted.md", WARFARIN)
    cancelled = house.upload("cancelled.md", f"{WARFARIN}{uuid4()}")
    guest, somebody = make_person("guest"), make_person("somebody")
    group, team = make_group("group"), make_group("team")
    barrier = raise_barrier(
        Context(),
        Draft(kind=Kind.WALL, matter=house.matter.id, people=(somebody.user,)),
        reason="For the test of addresses.",
        using=OPERATOR,
    )
    with house.as_alice() as acting:
        intake.cancel(acting.record, cancelled)
        add_member(
            acting.record, house.matter, acting.user, username=guest.username, level="member"
        )
        add_team(acting.record, house.matter, acting.user, group_id=team.id)
    Visitor(installation.address, somebody).http.close()
    asker = make_person("asker")
    emergency, ended = glass.ask(house, asker), glass.ask(house, asker)
    glass.approve(ended, house.alice)
    glass.let_time_pass(ended, minutes=31)
    closed, review = (glass.open_review() for _ in range(2))
    conversation, answer = _ask(house)
    forgettable, hidden = _ask(house)[0], _ask(house)[0]
    with house.bob.entered() as acting:
        conversations.delete(acting.record, conversations.conversation_for(hidden))
    events = re.findall(r"/record/([0-9a-f-]{36})/", visitors["auditor"].get("/record/").text)
    asked = re.findall(
        r"/record/([0-9a-f-]{36})/",
        visitors["auditor"].get("/record/?action=question.asked").text,
    )
    return Things(
        matter=house.matter.id,
        document=read.document_id,
        unwanted=unwanted.document_id,
        pdf=pdf.id,
        cancelled=cancelled.id,
        conversation=conversation,
        forgettable=forgettable,
        hidden=hidden,
        answer=answer,
        guest=guest.user.public_id,
        somebody=somebody.user.public_id,
        session=Session.objects.get(user=somebody.user).public_id,
        event=UUID(events[0]),
        asked=UUID(asked[0]),
        group=group.id,
        team=team.id,
        barrier=barrier.id,
        emergency=emergency.id,
        ended=ended.id,
        review=review,
        closed=closed,
    )


def _ask(house: World) -> tuple[UUID, UUID]:
    with house.bob.entered() as acting:
        taken = accept_question(
            acting.record,
            acting.user,
            text="How much is the rent?",
            key=uuid4(),
            matter_id=house.matter.id,
        )
    return taken.conversation.id, taken.answer.id


def visit(visitor: Visitor, name: str, things: Things) -> httpx.Response:
    route = ROUTES[name]
    address = reverse(name, args=route.ids(things) if route.ids else [])
    if route.method == "GET":
        return visitor.get(address)
    return visitor.post(address, route.fields(things))


def kinds(route: Route, *, allowed: bool) -> list[str]:
    """Who is let in, or who is not; the member first, who owns what is owned."""
    found = route.allowed if allowed else EVERYBODY - route.allowed
    return sorted(found, key=lambda kind: (kind != "member", kind))


def test_every_address_of_the_site_is_declared_here() -> None:
    assert sorted(addresses_of_the_site()) == sorted(ROUTES)


@pytest.mark.parametrize("name", sorted(set(ROUTES) - FOR_STRANGERS))
def test_a_stranger_is_asked_to_sign_in(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    response = visit(visitors["anonymous"], name, things)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", GUARDED)
def test_others_find_nothing_where_those_it_is_for_find_it(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    route = ROUTES[name]
    refused = {kind: visit(visitors[kind], name, things) for kind in kinds(route, allowed=False)}
    assert {kind: response.status_code for kind, response in refused.items()} == dict.fromkeys(
        refused, 404
    )
    first = kinds(route, allowed=True)[0]
    assert visit(visitors[first], name, things).status_code in route.gets


@pytest.mark.parametrize("name", [name for name in GETS if name in GUARDED])
def test_all_those_it_is_for_get_the_page(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    route = ROUTES[name]
    got = {kind: visit(visitors[kind], name, things).status_code for kind in route.allowed}
    assert set(got.values()) <= set(route.gets), got


@pytest.mark.parametrize(
    "name", sorted(name for name in ROUTES if name not in GUARDED and name != "sign-out")
)
def test_everybody_who_is_signed_in_gets_the_pages_about_themselves(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    route = ROUTES[name]
    got = {kind: visit(visitors[kind], name, things).status_code for kind in EVERYBODY}
    assert set(got.values()) <= set(route.gets), got


@pytest.mark.parametrize("name", NAMING)
def test_what_is_not_theirs_looks_as_if_it_did_not_exist(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    route = ROUTES[name]
    assert route.ids is not None
    ids = route.ids(things)
    nowhere = [uuid4() if isinstance(each, UUID) else each for each in ids]
    pages = []
    for each in (ids, nowhere):
        address = reverse(name, args=each)
        outsider = visitors["outsider"]
        response = (
            outsider.get(address)
            if route.method == "GET"
            else outsider.post(address, route.fields(things))
        )
        pages.append((response.status_code, _PASSING.sub("", response.text)))
    assert pages[0] == pages[1]
    assert pages[0][0] == 404


@pytest.mark.parametrize("name", sorted(set(POSTS) - FROM_ELSEWHERE))
def test_a_form_without_its_token_is_refused(
    name: str, visitors: dict[str, Visitor], things: Things
) -> None:
    route = ROUTES[name]
    visitor = visitors[kinds(route, allowed=True)[0]]
    address = reverse(name, args=route.ids(things) if route.ids else [])
    response = visitor.http.post(
        address, data=route.fields(things), headers={"Origin": visitor.address}
    )
    assert response.status_code == 403


@pytest.mark.parametrize("name", POSTS)
def test_no_link_changes_anything(name: str, visitors: dict[str, Visitor], things: Things) -> None:
    route = ROUTES[name]
    address = reverse(name, args=route.ids(things) if route.ids else [])
    assert visitors[kinds(route, allowed=True)[0]].get(address).status_code == 405


def test_whoever_holds_a_first_password_changes_it_before_anything_else(
    installation: Any, house: World, things: Things
) -> None:
    newcomer = make_person("newcomer")
    with house.as_alice() as acting:
        username = newcomer.username
        add_member(acting.record, house.matter, acting.user, username=username, level="member")
    pages = ["home", "chat", "history-search", "matters", "matter", "library", "document"]
    with Visitor(installation.address, newcomer) as visitor:
        assert {name: visit(visitor, name, things).status_code for name in pages} == dict.fromkeys(
            pages, 200
        )
        User.objects.filter(username=username).update(must_change_password=True)
        for name in [*pages, "ask", "upload"]:
            assert visit(visitor, name, things).headers.get("Location") == "/account/", name
        assert visitor.get("/account/").status_code == 200


def test_signing_out_ends_the_session(house: World, installation: Any) -> None:
    with Visitor(installation.address, house.bob) as visitor:
        cookie = visitor.http.cookies["cloister"]
        assert visitor.get("/matters/").status_code == 200
        assert visitor.post("/sign-out/", {}).status_code == 302
        visitor.http.cookies.set("cloister", cookie)
        assert visitor.get("/matters/").status_code == 302


def test_nobody_ends_the_session_of_somebody_else(
    visitors: dict[str, Visitor], house: World, installation: Any
) -> None:
    dora = make_person("dora")
    with Visitor(installation.address, dora) as visitor:
        session = Session.objects.get(user=dora.user).public_id
        visitors["outsider"].post(reverse("end-session", args=[session]), {})
        assert visitor.get("/matters/").status_code == 200
        visitor.post(reverse("end-session", args=[session]), {})
        assert visitor.get("/matters/").status_code == 302


def test_a_stranger_gets_no_live_connection(visitors: dict[str, Visitor], things: Things) -> None:
    with visitors["member"].socket() as socket:
        assert socket.ask("How much is the rent?", things.matter)["type"] == "accepted"
    with visitors["anonymous"].socket() as socket:
        assert socket.receive(10)["code"] == "signed_out"
        with pytest.raises(ConnectionClosed):
            socket.receive(10)


FRAMES: dict[str, Callable[[Things], dict[str, Any]]] = {
    "ask": lambda things: {"text": "What is the rent?", "matter": things.matter, "key": uuid4()},
    "again": lambda things: {"answer": things.answer, "key": uuid4()},
    "stop": lambda things: {"answer": things.answer},
    "follow": lambda things: {"answer": things.answer},
    "ping": lambda things: {},
}
"""Every frame that the live connection understands, about what is the member's."""


def test_every_frame_that_the_live_connection_understands_is_declared_here() -> None:
    source = textwrap.dedent(inspect.getsource(ChatConsumer._act))
    compared = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare)]
    kinds = {
        side.value
        for node in compared
        for side in node.comparators
        if isinstance(side, ast.Constant)
    }
    assert kinds == set(FRAMES)


@pytest.mark.parametrize("kind", sorted(set(FRAMES) - {"ping"}))
def test_no_frame_reaches_what_is_not_the_sender_s(
    kind: str, visitors: dict[str, Visitor], things: Things
) -> None:
    others = EVERYBODY - {"member"} - ({"lead"} if kind == "ask" else set())
    for name in sorted(others):
        with visitors[name].socket() as socket:
            socket.send(type=kind, **FRAMES[kind](things))
            refused = socket.receive(10)
            assert (refused["type"], refused["code"]) == ("refused", "missing"), name
    with visitors["member"].socket() as socket:
        socket.send(type=kind, **FRAMES[kind](things))
        socket.send(type="ping")
        assert (
            socket.next_of("accepted", "event", "snapshot", "pong", "refused")["type"] != "refused"
        )


def test_a_member_who_reads_for_another_purpose_finds_no_document(
    installation: Any, house: World, things: Things, superuser: Any
) -> None:
    document = house.add("billing.md", f"The invoice of the clinic. {uuid4()}").document_id
    superuser(
        "update access_matter set purposes = '{billing,research}' where id = %s", [house.matter.id]
    )
    superuser("update documents_document set purposes = '{billing}' where id = %s", [document])
    address = reverse("document", args=[document])
    with Visitor(installation.address, house.bob) as visitor:
        got = {}
        for purpose in ("billing", "research", "billing"):
            assert visitor.post("/purpose/", {"purpose": purpose}).status_code == 302
            got[purpose] = visitor.get(address).status_code
        assert got == {"billing": 200, "research": 404}
        assert visitor.post("/purpose/", {"purpose": ""}).status_code == 302
        assert visitor.get(address).status_code == 404
    superuser("update access_matter set purposes = '{}' where id = %s", [house.matter.id])
