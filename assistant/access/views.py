"""Pages of matters: mine, a new one, who is in it."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access import matters as verbs
from assistant.access import teams
from assistant.access.models import Matter
from assistant.access.web import signed_in
from assistant.accounts.models import Role
from assistant.accounts.requests import Request


@require_safe
@signed_in
def matters(request: Request) -> HttpResponse:
    """The matters I am in."""
    return render(request, "access/matters.html", {"matters": verbs.my_matters(request.user)})


@require_POST
@signed_in(role=Role.KNOWLEDGE_MANAGER)
def create(request: Request) -> HttpResponse:
    """Open a matter, with its creator as lead."""
    reference, name = request.POST.get("reference", ""), request.POST.get("name", "")
    try:
        made = verbs.create_matter(request.record, request.user, reference=reference, name=name)
    except ValidationError as error:
        context = {
            "matters": verbs.my_matters(request.user),
            "problems": error.messages,
            "given": {"reference": reference, "name": name},
        }
        return render(request, "access/matters.html", context, status=400)
    return redirect("matter", made.id)


def matter_page(
    request: Request, matter: Matter, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The page of a matter; `more` says what went wrong on it."""
    leads = verbs.leads(matter)
    here = teams.teams_of(matter)
    context = {
        "matter": matter,
        "members": verbs.members_of(matter),
        "leads": leads,
        "teams": here,
        "groups": [g for g in teams.groups() if g not in [t.group for t in here]] if leads else [],
        "purposes": " ".join(matter.purposes),
        **more,
    }
    return render(request, "access/matter.html", context, status=status)


@require_safe
@signed_in
def matter(request: Request, matter_id: UUID) -> HttpResponse:
    """Who is in the matter, and for its leads the means to change that."""
    return matter_page(request, verbs.matter_for(matter_id))


@require_POST
@signed_in
def rename(request: Request, matter_id: UUID) -> HttpResponse:
    """Call the matter something else."""
    found = verbs.matter_for(matter_id)
    try:
        verbs.rename_matter(
            request.record,
            found,
            reference=request.POST.get("reference", ""),
            name=request.POST.get("name", ""),
        )
    except ValidationError as error:
        return matter_page(request, found, status=400, problems=error.messages)
    return redirect("matter", found.id)


@require_POST
@signed_in
def add_member(request: Request, matter_id: UUID) -> HttpResponse:
    """Let somebody in, or change what they may do."""
    found = verbs.matter_for(matter_id)
    username = request.POST.get("username", "")
    try:
        verbs.add_member(
            request.record,
            found,
            request.user,
            username=username,
            level=request.POST.get("level", ""),
        )
    except ValidationError as error:
        more = {"problems": error.messages, "username": username}
        return matter_page(request, found, status=400, **more)
    return redirect("matter", found.id)


@require_POST
@signed_in
def remove_member(request: Request, matter_id: UUID, person_id: UUID) -> HttpResponse:
    """Take somebody out."""
    found = verbs.matter_for(matter_id)
    try:
        verbs.remove_member(request.record, found, user_public_id=person_id)
    except ValidationError as error:
        return matter_page(request, found, status=400, problems=error.messages)
    if person_id == request.user.public_id:
        return redirect("matters")
    return redirect("matter", found.id)
