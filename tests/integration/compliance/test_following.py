"""Following the record: new events come, and only its beginning and its end are recorded."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from compliance import log
from compliance.events import Context, SignedOut
from compliance.models import RecordedEvent
from tests.people import Person, make_person
from tests.visitor import Visitor


@pytest.fixture
def nora(database: Any) -> Person:
    """An auditor."""
    return make_person("nora", "auditor")


@pytest.fixture
def browser(installation: Any, nora: Person) -> Iterator[Visitor]:
    with Visitor(installation.address, nora) as visitor:
        yield visitor


def sign_out(thing: UUID) -> UUID:
    """Something that happens: an event of nobody's about a thing of its own."""
    from django.db import transaction

    with transaction.atomic():
        return log.append(SignedOut(object=thing), context=Context())


def begun(browser: Visitor, query: str) -> str:
    response = browser.post("/record/follow/", {"query": query})
    assert response.status_code == 200, response.text
    token: str = response.json()["token"]
    return token


def lines(browser: Visitor, token: str) -> str:
    response = browser.http.get("/record/follow/more/", params={"token": token})
    assert response.status_code == 200
    return response.text


def of_reader(nora: Person, *types: str) -> list[tuple[str, Any]]:
    with nora.entered():
        events = RecordedEvent.objects.filter(actor=nora.user.public_id, type__in=types)
        return [
            (event.type, event.said()["fields"]) for event in events.order_by("recorded_at")
        ]


def test_what_matches_comes_as_it_happens_and_nothing_else(browser: Visitor) -> None:
    thing = uuid4()
    token = begun(browser, f"q=object:{thing}")
    assert "<tr" not in lines(browser, token)
    wanted, unwanted = sign_out(thing), sign_out(uuid4())
    shown = lines(browser, token)
    assert f"/record/{wanted}/" in shown
    assert str(unwanted) not in shown


def test_it_is_recorded_when_it_begins_and_when_it_ends_and_not_between(
    browser: Visitor, nora: Person
) -> None:
    thing = uuid4()
    token = begun(browser, f"q=object:{thing}")
    for _ in range(3):
        sign_out(thing)
        lines(browser, token)
    assert browser.post("/record/follow/end/", {"token": token}).status_code == 204
    told = of_reader(nora, "record.read", "record.followed", "record.follow_ended")
    assert [kind for kind, _ in told] == ["record.followed", "record.follow_ended"]
    assert told[0][1]["objects"] == [str(thing)]
    assert told[1][1]["shown"] == 3


def test_a_following_is_for_whoever_began_it(browser: Visitor, installation: Any) -> None:
    token = begun(browser, "q=outcome:refused")
    with Visitor(installation.address, make_person("otto", "auditor")) as other:
        assert other.http.get("/record/follow/more/", params={"token": token}).status_code == 410
    assert browser.http.get("/record/follow/more/", params={"token": "x"}).status_code == 410


def test_a_search_that_is_not_understood_is_not_followed(browser: Visitor, nora: Person) -> None:
    for query in ("q=outcome:maybe", "q=matter:no-such-matter"):
        assert browser.post("/record/follow/", {"query": query}).status_code == 400
    assert of_reader(nora, "record.followed") == []
