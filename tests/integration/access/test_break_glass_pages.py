"""Break-glass at a browser: asked with the second factor, told at once, shown on every page."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from assistant.accounts.models import Session
from tests import glass
from tests.people import Person, World, make_person
from tests.samples import LEASE
from tests.second_step import enrolled, first_step, forget_used_codes, send
from tests.visitor import Visitor

FORM = {"why": "treatment", "text": glass.TEXT, "minutes": "30"}


@pytest.fixture
def olga(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


@pytest.fixture
def at(installation: Any) -> Iterator[Any]:
    """A browser of somebody's own."""
    with ExitStack() as stack:
        yield lambda person: stack.enter_context(Visitor(installation.address, person))


def waiting(visitor: Visitor) -> dict[str, Any]:
    told: dict[str, Any] = visitor.http.get("/reminders/", headers={"X-Quiet": "1"}).json()
    return told


def test_asking_takes_the_second_factor_even_just_after_signing_in(
    world: World, installation: Any
) -> None:
    app, _ = enrolled(installation.address, world.charlie)
    form = {**FORM, "matter": world.matter.reference}
    with first_step(installation.address, world.charlie) as visitor:
        send(visitor, "/second-factor/", {"code": app.code()})
        asked = visitor.post("/break-glass/ask/", form)
        assert asked.headers["Location"].startswith("/step-up/")
        forget_used_codes(world.charlie)
        send(visitor, "/step-up/", {"code": app.code(), "next": ""})
        assert "ask for break-glass" in visitor.get("/step-up/go-on/").text
        done = visitor.post("/break-glass/ask/", form)
        assert re.fullmatch(r"/break-glass/[0-9a-f-]{36}/", done.headers["Location"])
        assert "Waiting for a decision" in visitor.get(done.headers["Location"]).text
        nowhere = visitor.post("/break-glass/ask/", {**form, "matter": "no such matter"})
        assert nowhere.status_code == 400
        assert "opens no matter or document of this name" in nowhere.text
        assert glass.TEXT in nowhere.text


def test_who_has_no_second_factor_is_told_to_set_one_up(world: World, at: Any) -> None:
    visitor = at(world.charlie)
    asked = visitor.post("/break-glass/ask/", {**FORM, "matter": world.matter.reference})
    assert asked.status_code == 400
    assert "second factor" in asked.text


def test_a_privacy_officer_is_told_at_once_on_an_open_page(
    world: World, olga: Person, at: Any
) -> None:
    office = at(olga)
    assert 'data-reminders="/reminders/"' in office.get("/matters/").text
    office.post("/notices/read/", {})
    before = waiting(office)
    asked = glass.ask(world, world.charlie)
    began = time.monotonic()
    after = waiting(office)
    assert time.monotonic() - began < 2
    assert (before["notices"], after["notices"]) == (0, 1)
    assert after["decide"] == before["decide"] + 1
    page = office.get("/notices/").text
    assert world.charlie.user.display_name in page
    assert str(asked.pk) in page
    office.post("/notices/read/", {})
    assert waiting(office)["notices"] == 0


def test_it_is_decided_shown_on_every_page_and_ended(world: World, olga: Person, at: Any) -> None:
    office, charlie = at(olga), at(world.charlie)
    asked = glass.ask(world, world.charlie)
    address = f"/break-glass/{asked.pk}/"
    assert glass.TEXT in office.get(address).text
    assert office.post(f"{address}decide/", {"decision": "approve"}).status_code == 302
    matter = f"/matters/{world.matter.id}/"
    for page in ("/matters/", "/account/", "/break-glass/", "/chat/", matter):
        shown = charlie.get(page)
        assert shown.status_code == 200, page
        assert "Break-glass is open" in shown.text, page
        assert f'action="{address}end/"' in shown.text, page
    library = charlie.get(f"{matter}documents/").text
    assert "You read here under break-glass" in library
    assert "data-upload>" not in library
    assert charlie.post(f"{matter}documents/upload/", {}).status_code == 404
    assert "Break-glass is open" not in office.get("/matters/").text
    assert charlie.post(f"{address}end/", {}).status_code == 302
    assert "Break-glass is open" not in charlie.get("/matters/").text
    assert charlie.get(f"/matters/{world.matter.id}/").status_code == 404
    assert charlie.post(f"{address}end/", {}).status_code == 400


def test_a_review_is_closed_by_a_third_person_with_what_was_read_before_them(
    world: World, olga: Person, at: Any
) -> None:
    document = world.add("lease.md", LEASE).document_id
    asked, petra = glass.ask(world, world.charlie), make_person("petra", "privacy_officer")
    address = f"/break-glass/{asked.pk}/"
    glass.approve(asked, olga)
    charlie, office = at(world.charlie), at(petra)
    assert charlie.get(f"/documents/{document}/").status_code == 200
    charlie.post(f"{address}end/", {})
    verdict = {"verdict": "justified", "text": "Looked at what was read: one lease."}
    page = office.get(address).text
    assert "Close the review" in page
    assert f"Charlie opened document …{str(document)[-8:]}, page 1" in page
    assert "Close the review" not in at(olga).get(address).text
    assert at(olga).post(f"{address}review/", verdict).status_code == 400
    assert office.post(f"{address}review/", verdict).status_code == 302
    assert "Justified" in charlie.get(address).text
    assert verdict["text"] not in charlie.get(address).text


def test_a_page_that_asks_by_itself_does_not_keep_its_session_awake(
    olga: Person, at: Any, superuser: Any
) -> None:
    office = at(olga)
    superuser(
        "update accounts_session set last_seen_at = last_seen_at - interval '10 minutes'"
        " where user_id = %s",
        [olga.user.pk],
    )
    seen = Session.objects.get(user=olga.user).last_seen_at
    waiting(office)
    assert Session.objects.get(user=olga.user).last_seen_at == seen
    office.get("/matters/")
    assert Session.objects.get(user=olga.user).last_seen_at > seen


def test_a_lead_sees_what_waits_and_confirms_their_people(world: World, at: Any) -> None:
    review = glass.open_review()
    alice = at(world.alice)
    assert waiting(alice)["places"] == 1
    page = alice.get(f"/reviews/{review}/").text
    assert world.bob.username in page
    assert "Yours: somebody else decides" in page
    done = alice.post(f"/reviews/{review}/decide/", {"matter": str(world.matter.id), "all": "yes"})
    assert done.headers["Location"] == f"/reviews/{review}/#matter-{world.matter.id}"
    assert waiting(alice)["places"] == 0
    assert "Confirmed" in alice.get(f"/reviews/{review}/").text
