"""Pages that explain rules, for auditors and privacy officers: who could see what, and why.

They show ids, never a title, since whoever looks at rules need not be allowed to read.
"""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from assistant.access.barriers import matter_names
from assistant.access.errors import Missing
from assistant.access.explained import explained, shown
from assistant.access.history import Answer, what_can_see, who_could_see
from assistant.access.simulate import simulate
from assistant.access.tried import KINDS, LEVELS, Reader
from assistant.access.web import signed_in
from assistant.accounts.models import Role, User
from assistant.accounts.requests import Request

READERS = (Role.AUDITOR, Role.PRIVACY_OFFICER)
MOST_ROWS = 300


@require_safe
@signed_in
def rules(request: Request) -> HttpResponse:
    """Forms for the questions that can be asked about rules."""
    _for_readers_of_rules(request)
    return _page(request)


@require_safe
@signed_in
def readers(request: Request) -> HttpResponse:
    """Who could see a document at a time, and why; asking is recorded."""
    _for_readers_of_rules(request)
    try:
        document, at = _document(request), _time(request)
        answer = who_could_see(request.record, document, at=at)
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    except Missing:
        problem = "There was no document of this id at that time."
        return _page(request, status=400, problems=[problem])
    rows = explained(answer.findings)
    page = {
        "document": document,
        "matter": answer.findings[0].matter if answer.findings else None,
        "could": [row for row in rows if row.allowed],
        "could_not": [row for row in rows if not row.allowed],
        **_times(answer),
    }
    return render(request, "access/rules_readers.html", page)


@require_safe
@signed_in
def rights(request: Request) -> HttpResponse:
    """What a person could see at a time, and why; asking is recorded."""
    _for_readers_of_rules(request)
    try:
        person, at = _person(request), _time(request)
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    answer = what_can_see(request.record, person, at=at)
    rows = explained(answer.findings[:MOST_ROWS])
    page = {
        "someone": person,
        "matters": [
            {"id": matter, "rows": list(found)}
            for matter, found in groupby(rows, key=lambda row: row.matter)
        ],
        "could": len(answer.allowed),
        "all": len(answer.findings),
        "left_out": max(0, len(answer.findings) - MOST_ROWS),
        **_times(answer),
    }
    return render(request, "access/rules_rights.html", page)


@require_safe
@signed_in
def try_change(request: Request) -> HttpResponse:
    """A form for a change to be tried out."""
    _for_readers_of_rules(request)
    return _trying(request, {})


@require_POST
@signed_in
def tried(request: Request) -> HttpResponse:
    """Who would gain and who would lose what by a change. Nothing is changed."""
    _for_readers_of_rules(request)
    given = {name: str(value) for name, value in request.POST.items()}
    try:
        wanted = Reader(words=given, matter_of=_matter, client_of=_client).change()
    except ValidationError as error:
        return _trying(request, given, status=400, problems=error.messages)
    foreseen = simulate(request.record, wanted.change, at=timezone.now(), names=wanted.names)
    rows = shown(foreseen.differences)
    return _trying(request, given, foreseen=foreseen, rows=rows, what=KINDS[given["change"]])


def _for_readers_of_rules(request: Request) -> None:
    """Others are told that there is no such page."""
    if not any(request.user.has_role(role) for role in READERS):
        raise Http404


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "access/rules.html", {"asked": request.GET, **more}, status=status)


def _trying(
    request: Request, given: dict[str, str], *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {"kinds": KINDS, "levels": list(LEVELS), "given": given, **more}
    return render(request, "access/rules_try.html", context, status=status)


def _times(answer: Answer) -> dict[str, Any]:
    begins = answer.begins
    return {"at": answer.at, "too_early": begins if begins and answer.at < begins else None}


def _document(request: Request) -> UUID:
    try:
        return UUID(request.GET.get("document", "").strip())
    except ValueError as error:
        raise ValidationError("Give the document's id: it stands in the record.") from error


def _person(request: Request) -> User:
    name = request.GET.get("person", "").strip()
    person = User.objects.filter(username__iexact=name).first()
    if person is None:
        raise ValidationError(f"There is no account called {name}." if name else "Name a person.")
    return person


def _time(request: Request) -> datetime:
    text = request.GET.get("at", "").strip()
    if not text:
        return timezone.now()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValidationError("Write the time as in 2026-03-01T12:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _matter(name: str) -> UUID:
    """Officers know matters by name, for barriers; auditors by id alone."""
    try:
        return UUID(name)
    except ValueError:
        found = [each.id for each in matter_names() if each.reference.lower() == name.lower()]
    if not found:
        raise ValidationError(f"There is no matter {name} that you know by name. Give its id.")
    if len(found) > 1:
        raise ValidationError(f"More than one matter is called {name}. Give its id instead.")
    return found[0]


def _client(name: str) -> UUID:
    named = {each.client_name.lower(): each.client for each in matter_names() if each.client}
    try:
        return UUID(name)
    except ValueError:
        found = named.get(name.lower())
    if found is None:
        raise ValidationError(f"There is no client {name} that you know by name. Give its id.")
    return found
