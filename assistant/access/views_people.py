"""The administrators' page of people. Passwords are shown once, on the page that made them."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access.web import signed_in
from assistant.accounts import people as verbs
from assistant.accounts.models import ROLE_LABELS, Role, User
from assistant.accounts.requests import Request


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "people": verbs.everyone(),
        "roles": [(role.value, ROLE_LABELS[role]) for role in Role],
        "chosen_roles": [Role.STAFF.value],
        **more,
    }
    return render(request, "accounts/people.html", context, status=status)


def _person(person_id: UUID) -> User:
    try:
        return verbs.person(person_id)
    except User.DoesNotExist as error:
        raise Http404 from error


@require_safe
@signed_in(role=Role.ADMINISTRATOR)
def people(request: Request) -> HttpResponse:
    """Everybody, and a form for somebody new."""
    return _page(request)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
def create(request: Request) -> HttpResponse:
    """Make an account and show its first password."""
    username = request.POST.get("username", "")
    display_name = request.POST.get("display_name", "")
    chosen = request.POST.getlist("roles")
    try:
        user, password = verbs.create_person(
            request.record, username=username, display_name=display_name, roles=chosen
        )
    except ValidationError as error:
        return _page(
            request,
            status=400,
            problems=error.messages,
            username=username,
            display_name=display_name,
            chosen_roles=chosen,
        )
    return _page(request, made=user, password=password)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
def roles(request: Request, person_id: UUID) -> HttpResponse:
    """Give somebody exactly these roles."""
    try:
        verbs.set_roles(request.record, _person(person_id), request.POST.getlist("roles"))
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    return redirect("people")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
def active(request: Request, person_id: UUID) -> HttpResponse:
    """Close an account or open it again. Nobody closes their own."""
    user = _person(person_id)
    if user == request.user:
        return _page(request, status=400, problems=["You cannot close your own account."])
    verbs.set_active(request.record, user, active=request.POST.get("active") == "yes")
    return redirect("people")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
def password(request: Request, person_id: UUID) -> HttpResponse:
    """Set a new first password and show it."""
    user = _person(person_id)
    return _page(request, made=user, password=verbs.reset_password(request.record, user))
