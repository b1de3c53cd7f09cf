"""Pages of break-glass: asking, deciding, ending, reviewing, and what privacy officers are told."""

import re
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assistant.access import emergencies as verbs
from assistant.access import notices as told
from assistant.access import reminders
from assistant.access.errors import Missing
from assistant.access.models import Emergency
from assistant.access.queues import line_for, queues_of
from assistant.access.web import signed_in
from assistant.accounts import factors
from assistant.accounts.models import Role
from assistant.accounts.requests import Request
from assistant.accounts.stepup import require_step_up
from compliance.console.describe import Told, sentence
from compliance.console.reading import names_of

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@require_safe
@signed_in
def break_glass(request: Request) -> HttpResponse:
    """What waits for me, what is open, what I asked for."""
    _no_administrators(request)
    return render(request, "access/break_glass.html", {"queues": queues_of(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def ask(request: Request) -> HttpResponse:
    """Ask for access that I do not have, with my second factor again."""
    _no_administrators(request)
    if request.method != "POST":
        return _ask_page(request, given={"matter": request.GET.get("matter", ""), "minutes": "30"})
    try:
        wanted = _wanted(request)
        if not factors.owned_by(request.user).any:
            raise ValidationError(verbs.PROVE_FIRST)
        require_step_up(request, again=True, doing="ask for break-glass")
        asked = verbs.ask(request.record, **wanted)
    except ValidationError as error:
        return _ask_page(request, status=400, problems=error.messages)
    except Missing:
        return _ask_page(request, status=400, problems=[verbs.NOT_TO_BE_OPENED])
    return redirect("emergency", asked.pk)


def _wanted(request: Request) -> dict[str, Any]:
    """What the form asks for; raises ValidationError."""
    form = request.POST
    minutes, named = form.get("minutes", ""), form.get("document", "").strip()
    document = _ID.search(named)
    if named and document is None:
        raise ValidationError("Give the document's address, or leave it empty for the matter.")
    wanted: dict[str, Any] = {
        "matter": form.get("matter", ""),
        "document": UUID(document.group()) if document else None,
        "why": form.get("why", ""),
        "minutes": int(minutes) if minutes.isascii() and minutes.isdigit() else 0,
        "urgent": form.get("urgent") == "yes",
    }
    wanted["text"] = verbs.checked(form.get("text", ""), wanted["why"], wanted["minutes"])
    return wanted


def _ask_page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "given": request.POST,
        "whys": [(why.value, label) for why, label in verbs.WHY_LABELS.items()],
        "longest": verbs.LONGEST_MINUTES,
        "fewest": verbs.FEWEST_CHARACTERS,
        "most": verbs.MOST_CHARACTERS,
        "has_factor": factors.owned_by(request.user).any,
        **more,
    }
    return render(request, "access/break_glass_ask.html", context, status=status)


@require_safe
@signed_in
def emergency(request: Request, emergency_id: UUID) -> HttpResponse:
    """One break-glass: how it stands, and what I may do about it."""
    return _page(request, verbs.emergency_for(emergency_id))


def _page(request: Request, found: Emergency, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "line": line_for(found, request.user),
        "verdicts": [(verdict.value, label) for verdict, label in verbs.VERDICT_LABELS.items()],
        "fewest": verbs.FEWEST_CHARACTERS,
        "read": _read_under(found) if request.user.has_role(Role.PRIVACY_OFFICER) else None,
        **more,
    }
    return render(request, "access/emergency.html", context, status=status)


def _read_under(found: Emergency) -> list[dict[str, Any]]:
    """What was done under it, as sentences with references."""
    events = verbs.read_under(found)
    names = names_of(event.actor for event in events if event.actor)
    return [
        {
            "at": event.at,
            "words": sentence(
                Told(
                    type=event.type,
                    actor=event.actor,
                    object=event.object,
                    matter=event.matter,
                    fields=event.fields,
                ),
                names,
            ),
        }
        for event in events
    ]


@require_POST
@signed_in
def decide(request: Request, emergency_id: UUID) -> HttpResponse:
    """Approve a request or refuse it."""
    found = verbs.emergency_for(emergency_id)
    require_step_up(request, doing="decide about break-glass")
    act = verbs.approve if request.POST.get("decision") == "approve" else verbs.refuse
    try:
        act(request.record, found)
    except ValidationError as error:
        return _page(request, found, status=400, problems=error.messages)
    return redirect("emergency", found.pk)


@require_POST
@signed_in
def end(request: Request, emergency_id: UUID) -> HttpResponse:
    """Close break-glass before its time."""
    found = verbs.emergency_for(emergency_id)
    try:
        verbs.end(request.record, found)
    except ValidationError as error:
        return _page(request, found, status=400, problems=error.messages)
    return redirect("emergency", found.pk)


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
def review(request: Request, emergency_id: UUID) -> HttpResponse:
    """Close the review of a break-glass that has ended."""
    found = verbs.emergency_for(emergency_id)
    given = {"verdict": request.POST.get("verdict", ""), "text": request.POST.get("text", "")}
    try:
        verbs.review(request.record, found, **given)
    except ValidationError as error:
        return _page(request, found, status=400, problems=error.messages, given=given)
    return redirect("break-glass")


@require_safe
@signed_in(role=Role.PRIVACY_OFFICER)
def notices(request: Request) -> HttpResponse:
    """What happened about break-glass, the newest first."""
    return render(request, "access/notices.html", {"notices": told.notices(request.user)})


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
def read_notices(request: Request) -> HttpResponse:
    """I have read them."""
    told.mark_read(request.user)
    return redirect("notices")


@require_safe
@signed_in
def reminded(request: Request) -> JsonResponse:
    """What waits for me, for the script that keeps an open page up to date."""
    return JsonResponse(reminders.mine().as_json())


def _no_administrators(request: Request) -> None:
    """Administration is blind to content, in an emergency too."""
    if request.user.has_role(Role.ADMINISTRATOR):
        raise Missing
