"""A search is kept for oneself or shared with a role, and keeping it is recorded."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from compliance.models import RecordedEvent, SavedSearch
from tests.people import Person, make_person
from tests.visitor import Visitor


@pytest.fixture
def at_browser(installation: Any) -> Iterator[Callable[[Person], Visitor]]:
    """Puts people at browsers of their own."""
    with ExitStack() as stack:
        yield lambda who: stack.enter_context(Visitor(installation.address, who))


def save(browser: Visitor, name: str, shared_with: str = "") -> None:
    fields = {"name": name, "query": "q=outcome%3Arefused", "shared_with": shared_with}
    response = browser.post("/record/searches/", fields)
    assert response.headers["Location"] == "/record/?q=outcome%3Arefused"


def test_it_is_found_by_its_name_by_those_it_is_for(
    at_browser: Callable[[Person], Visitor], database: Any
) -> None:
    nora, otto = make_person("nora", "auditor"), make_person("otto", "auditor")
    olga = make_person("olga", "privacy_officer")
    hers, his, officers = (at_browser(who) for who in (nora, otto, olga))
    private, shared = f"Mine {nora.username}", f"Ours {nora.username}"
    save(hers, private)
    save(hers, shared, "auditor")
    assert private in hers.get("/record/").text
    assert shared in hers.get("/record/").text
    assert private not in his.get("/record/").text
    assert shared in his.get("/record/").text
    assert shared not in officers.get("/record/").text


def test_only_its_owner_removes_it(
    at_browser: Callable[[Person], Visitor], database: Any
) -> None:
    nora, otto = make_person("nora", "auditor"), make_person("otto", "auditor")
    hers, his = at_browser(nora), at_browser(otto)
    name = f"Ours {nora.username}"
    save(hers, name, "auditor")
    with nora.entered():
        kept = SavedSearch.objects.get(name=name)
    address = f"/record/searches/{kept.id}/remove/"
    assert his.post(address, {}).status_code == 404
    assert name in hers.get("/record/").text
    assert hers.post(address, {}).status_code == 302
    assert name not in hers.get("/record/").text


def test_the_record_has_a_commitment_to_the_name_and_not_the_name(
    at_browser: Callable[[Person], Visitor], database: Any
) -> None:
    nora = make_person("nora", "auditor")
    save(at_browser(nora), "About Ms Moreau", "auditor")
    with nora.entered():
        event = RecordedEvent.objects.get(actor=nora.user.public_id, type="record.search_saved")
        kept = SavedSearch.objects.get(owner=nora.user.public_id)
    assert event.object == kept.id
    assert event.said()["fields"]["shared_with"] == "auditor"
    assert re.fullmatch(r"[0-9a-f]{64}", event.said()["fields"]["name"])
    assert b"Moreau" not in bytes(event.header)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "  "}, "name of 1 to 80"),
        ({"name": "x" * 81}, "name of 1 to 80"),
        ({"name": "x", "shared_with": "administrator"}, "Share the search"),
        ({"name": "x", "query": "q" * 2401}, "too long"),
    ],
)
def test_what_cannot_be_saved_is_said(
    fields: dict[str, str], says: str, at_browser: Callable[[Person], Visitor], database: Any
) -> None:
    nora = make_person("nora", "auditor")
    response = at_browser(nora).post("/record/searches/", {"query": "", **fields})
    assert response.status_code == 400
    assert says in response.text
    with nora.entered():
        assert not SavedSearch.objects.filter(owner=nora.user.public_id).exists()
