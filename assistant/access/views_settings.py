"""Forms on a matter's page: its teams, its client, its purposes. For its leads."""

from collections.abc import Callable
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from assistant.access import teams as verbs
from assistant.access.matters import matter_for
from assistant.access.models import Matter
from assistant.access.views import matter_page
from assistant.access.web import signed_in
from assistant.accounts.requests import Request


def _change(request: Request, matter: Matter, change: Callable[[], None]) -> HttpResponse:
    try:
        change()
    except ValidationError as error:
        return matter_page(request, matter, status=400, problems=error.messages)
    return redirect("matter", matter.id)


@require_POST
@signed_in
def add_team(request: Request, matter_id: UUID) -> HttpResponse:
    """Let a group's people in."""
    found = matter_for(matter_id)
    group = request.POST.get("group", "")
    return _change(
        request,
        found,
        lambda: verbs.add_team(request.record, found, request.user, group_id=group),
    )


@require_POST
@signed_in
def remove_team(request: Request, matter_id: UUID, group_id: UUID) -> HttpResponse:
    """Take a group out."""
    found = matter_for(matter_id)
    return _change(
        request, found, lambda: verbs.remove_team(request.record, found, group_id=group_id)
    )


@require_POST
@signed_in
def client(request: Request, matter_id: UUID) -> HttpResponse:
    """Say whom the matter is for."""
    found = matter_for(matter_id)
    name = request.POST.get("client", "")
    return _change(
        request, found, lambda: verbs.set_client(request.record, found, request.user, name=name)
    )


@require_POST
@signed_in
def purposes(request: Request, matter_id: UUID) -> HttpResponse:
    """Say for what the matter is read."""
    found = matter_for(matter_id)
    return _change(
        request,
        found,
        lambda: verbs.set_purposes(
            request.record,
            found,
            purposes=request.POST.get("purposes", ""),
            opens_in_emergency=request.POST.get("opens_in_emergency") == "yes",
        ),
    )
