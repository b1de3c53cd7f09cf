"""The page that unlocks: a reason, the second factor, the text once; and officers are told."""

import html
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from compliance.models import RecordedEvent
from tests.installation import Installation
from tests.integration.compliance.locked import CANARY, REASON, recorded
from tests.people import Person, make_person, make_world
from tests.second_step import App, enrolled, first_step, send
from tests.visitor import Visitor

_PLAIN = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module")
def nora(installation: Installation) -> tuple[Person, App]:
    """An auditor with an authenticator app."""
    person = make_person("nora", "auditor")
    app, _ = enrolled(installation.address, person)
    return person, app


@pytest.fixture
def visitor(installation: Installation, nora: tuple[Person, App]) -> Iterator[Visitor]:
    """Nora, signed in with both steps."""
    from tests.second_step import forget_used_codes

    person, app = nora
    forget_used_codes(person)
    with first_step(installation.address, person) as visitor:
        assert send(visitor, "/second-factor/", {"code": app.code()}).status_code == 302
        forget_used_codes(person)
        yield visitor


def address(event_id: UUID, part: str = "question") -> str:
    return f"/record/{event_id}/content/{part}/"


def prove(visitor: Visitor, app: App) -> None:
    """Confirm who one is, as the page asks."""
    answer = send(visitor, "/step-up/", {"code": app.code()})
    assert answer.status_code == 302, answer.text


def test_it_asks_why_and_who_and_then_shows_the_text_once(
    visitor: Visitor, nora: tuple[Person, App]
) -> None:
    event_id = recorded({"question": f"{CANARY} <b>&amp;"})
    form = visitor.get(address(event_id))
    assert (form.status_code, CANARY in form.text) == (200, False)
    sent = visitor.post(address(event_id), {"reason": REASON})
    assert (sent.status_code, sent.headers["Location"].split("?")[0]) == (302, "/step-up/")
    prove(visitor, nora[1])
    # What was typed is kept and shown, to be sent on.
    kept = visitor.get("/step-up/go-on/").text
    assert REASON in html.unescape(kept)
    shown = visitor.post(address(event_id), {"reason": REASON})
    assert shown.status_code == 200
    assert html.escape(f"{CANARY} <b>&amp;") in shown.text
    assert shown.headers["Cache-Control"] == "no-store"


def test_too_short_a_reason_is_answered_at_once_and_on_record(
    visitor: Visitor, nora: tuple[Person, App]
) -> None:
    event_id = recorded()
    answer = visitor.post(address(event_id), {"reason": "curious"})
    assert answer.status_code == 400
    assert "Say why" in answer.text
    with nora[0].entered():
        refused = RecordedEvent.objects.get(type="content.unlock_refused", object=event_id)
    assert refused.said()["fields"]["reason"] == "no_reason"


def test_others_find_no_such_page_and_their_attempt_is_on_record(
    installation: Installation, nora: tuple[Person, App]
) -> None:
    event_id, bob = recorded(), make_person("bob")
    with Visitor(installation.address, bob) as visitor:
        assert visitor.get(address(event_id)).status_code == 404
        assert visitor.post(address(event_id), {"reason": REASON}).status_code == 404
    with nora[0].entered():
        refused = RecordedEvent.objects.get(type="content.unlock_refused", object=event_id)
    assert (refused.actor, refused.said()["fields"]["reason"]) == (
        bob.user.public_id,
        "wrong_role",
    )


def test_a_part_that_is_not_there_is_no_page(visitor: Visitor) -> None:
    assert visitor.get(address(recorded(), "answer")).status_code == 404
    assert visitor.get(address(recorded({}))).status_code == 404


def test_privacy_officers_are_told_at_once_and_count_it(
    installation: Installation, visitor: Visitor, nora: tuple[Person, App]
) -> None:
    olga = make_person("olga", "privacy_officer")
    with Visitor(installation.address, olga) as officer:
        officer.post("/notices/read/", {})
        assert officer.get("/reminders/").json()["notices"] == 0
        event_id = recorded()
        prove(visitor, nora[1])
        assert visitor.post(address(event_id), {"reason": REASON}).status_code == 200
        assert officer.get("/reminders/").json()["notices"] == 1
        page = officer.get("/notices/").text
        plain = " ".join(_PLAIN.sub(" ", page).split())
        assert f"{nora[0].user.display_name} unlocked recorded content" in plain
        (reason,) = set(re.findall(r'href="(/record/[^"]+/content/reason/)"', page)[:1])
        assert officer.get(reason).status_code == 200
        assert CANARY not in page + officer.get(reason).text
    # Nobody else is told.
    with Visitor(installation.address, make_person("bob")) as other:
        assert other.get("/notices/").status_code == 404


def test_an_erased_text_is_said_to_be_erased(visitor: Visitor, database: Any) -> None:
    from compliance.content.covered import Scope
    from tests.integration.compliance.test_content_is_erased import erased

    event_id = recorded()
    olga, nils = make_person("olga", "privacy_officer"), make_person("nils", "auditor")
    erased(olga, nils, Scope.EVENT, event_id)
    page = visitor.get(address(event_id)).text
    assert "was erased" in page
    assert "<textarea" not in page


def test_it_says_what_the_event_was_about(visitor: Visitor) -> None:
    world = make_world()
    event_id = recorded(matter=world.matter.id)
    page = visitor.get(address(event_id)).text
    assert f"in matter {world.matter.reference}" in page
    assert f'href="/record/{event_id}/"' in page
