"""The record page: filters, paging, sentences, and who may open it."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from compliance import log
from compliance.console import reading, views
from compliance.events import Context, Digest, Event, EvidenceShown, PassageShown, QuestionAsked
from compliance.models import RecordedEvent
from tests.integration.compliance.readers import Person

View = Callable[..., HttpResponse]


def visit(who: Person, view: View, *arguments: UUID, **query: str) -> HttpResponse:
    """Open a page of the record the way the signed-in guard does."""
    request = RequestFactory().get("/record/", query)
    request.user = who.user
    request.record = Context(actor=who.id, request=uuid4())  # type: ignore[attr-defined]
    with who.entered():
        return view(request, *arguments)


def did(who: Person, event: Event, *, matter: UUID | None = None) -> UUID:
    with who.entered():
        return log.append(event, context=Context(actor=who.id, matter=matter))


def question(**changes: Any) -> QuestionAsked:
    values: dict[str, Any] = {"object": uuid4(), "conversation": uuid4()}
    return QuestionAsked(**(values | changes), question=Digest("a" * 64))


def events_on(response: HttpResponse) -> list[UUID]:
    found = re.findall(r'href="/record/([0-9a-f-]{36})/"', response.content.decode())
    return [UUID(identifier) for identifier in found]


def test_it_tells_what_a_person_did(auditor: Person, staff: Person) -> None:
    event_id = did(staff, question(), matter=uuid4())
    response = visit(auditor, views.record_list, actor=str(staff.id))
    assert events_on(response) == [event_id]
    assert f"{staff.user.display_name} asked a question in matter" in response.content.decode()


@pytest.mark.parametrize("view", [views.record_list, views.record_detail])
def test_others_find_no_such_page(auditor: Person, staff: Person, view: View) -> None:
    arguments = () if view is views.record_list else (did(staff, question()),)
    assert visit(auditor, view, *arguments).status_code == 200
    with pytest.raises(Http404):
        visit(staff, view, *arguments)


def test_a_stranger_finds_no_such_page() -> None:
    request = RequestFactory().get("/record/")
    request.user = AnonymousUser()
    with pytest.raises(Http404):
        views.record_list(request)  # type: ignore[arg-type]  # nobody set its context


def test_filters_narrow_and_exclude(auditor: Person, staff: Person) -> None:
    matter, document = uuid4(), uuid4()
    shown = PassageShown(passage=1, document=document, version=1, sha256=Digest("b" * 64))
    asked = did(staff, question(), matter=matter)
    seen = did(staff, EvidenceShown(object=uuid4(), passages=(shown,)), matter=matter)
    name = staff.user.username
    both = {seen, asked}
    for query, expected in (
        (f"actor:{name}", both),
        (f'actor:"{staff.user.display_name}"', both),
        (f"matter:{matter}", both),
        (f"actor:{name} action:question.asked", {asked}),
        (f"actor:{name} action:question", {asked}),
        (f"actor:{name} -action:question.asked", {seen}),
        (f"object:{document}", {seen}),
        (f"matter:{matter} -object:{document}", {asked}),
        (f"matter:{matter} -actor:{name}", set()),
        (f"matter:{matter} outcome:done", set()),
        (f"matter:{matter} -outcome:done", both),
        (f"matter:{matter} after:2026-01-01 before:9999-01-01", both),
        (f"matter:{matter} before:2026-01-01", set()),
        (f"matter:{matter} -matter:{matter}", set()),
        ("actor:nobody-is-called-this", set()),
    ):
        assert set(events_on(visit(auditor, views.record_list, q=query))) == expected, query


def test_pages_follow_each_other_without_gap_or_repetition(
    auditor: Person, staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    written = [did(staff, question()) for _ in range(7)]
    read: list[UUID] = []
    query: dict[str, str] = {"actor": str(staff.id)}
    for size in (3, 3, 1):
        response = visit(auditor, views.record_list, **query)
        assert len(events_on(response)) == size
        read += events_on(response)
        older = re.search(r"older=([^\"&]+)", response.content.decode())
        if older:
            query["older"] = older[1].replace("%3A", ":").replace("%2B", "+").replace("%7E", "~")
    assert read == written[::-1]


def test_reading_the_record_is_recorded_with_its_filter(auditor: Person, staff: Person) -> None:
    visit(auditor, views.record_list, actor=str(staff.id), action="question.asked")
    with auditor.entered():
        (event,) = RecordedEvent.objects.filter(actor=auditor.id, type="record.read")
    fields = event.said()["fields"]
    assert fields["people"] == [str(staff.id)]
    assert fields["actions"] == ["question.asked"]


def test_an_event_shows_its_header_as_recorded(auditor: Person, staff: Person) -> None:
    event_id = did(staff, question())
    page = visit(auditor, views.record_detail, event_id).content.decode()
    with auditor.entered():
        event = RecordedEvent.objects.get(pk=event_id)
    assert bytes(event.header).decode().replace('"', "&quot;") in page
    assert bytes(event.leaf).hex() in page
    with pytest.raises(Http404):
        visit(auditor, views.record_detail, uuid4())


@pytest.mark.parametrize(
    "query",
    [
        {"q": "carla"},
        {"object": "12"},
        {"zone": "Nowhere/Else"},
        {"zone": "../../etc/passwd"},
        {"zone": "/"},
        {"after": "soon"},
    ],
)
def test_what_cannot_be_understood_is_said_and_nothing_is_read(
    auditor: Person, query: dict[str, str]
) -> None:
    response = visit(auditor, views.record_list, **query)
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    with auditor.entered():
        assert not RecordedEvent.objects.filter(actor=auditor.id).exists()


@pytest.mark.parametrize(
    "query",
    [
        {"older": "x~y"},
        {"older": "2026-01-01~"},
        {"actor": "\x00%_'\""},
        {"after": "0001-01-01", "zone": "Asia/Tokyo"},
        {"before": "9999-12-31T23:59", "zone": "America/New_York"},
    ],
)
def test_odd_input_breaks_nothing(auditor: Person, query: dict[str, str]) -> None:
    assert visit(auditor, views.record_list, **query).status_code == 200
