"""The administrators' page of people. Passwords are shown once, on the page that made them."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from assistant.access.web import signed_in
from assistant.accounts import factors, signin
from assistant.accounts import people as verbs
from assistant.accounts.models import ROLE_LABELS, Clearance, Role, User
from assistant.accounts.requests import Request
from assistant.accounts.stepup import stepped_up


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
@stepped_up(doing="create an account")
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
@stepped_up(doing="say what somebody reads")
def reading(request: Request, person_id: UUID) -> HttpResponse:
    """Say up to which level somebody reads, and for which purposes."""
    someone = _person(person_id)
    words = request.POST.get("purposes", "").replace(",", " ").split()
    try:
        level = Clearance(int(request.POST.get("clearance", "")))
        verbs.set_reading(request.record, someone, clearance=level, purposes=words)
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    except ValueError:
        return _page(request, status=400, problems=["Choose a level."])
    return redirect("person", person_id)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="change somebody's roles")
def roles(request: Request, person_id: UUID) -> HttpResponse:
    """Give somebody exactly these roles."""
    try:
        verbs.set_roles(request.record, _person(person_id), request.POST.getlist("roles"))
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    return redirect("people")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="close an account or open it again")
def active(request: Request, person_id: UUID) -> HttpResponse:
    """Close an account or open it again. Nobody closes their own."""
    user = _person(person_id)
    if user == request.user:
        return _page(request, status=400, problems=["You cannot close your own account."])
    verbs.set_active(request.record, user, active=request.POST.get("active") == "yes")
    return redirect("people")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="set a new password")
def password(request: Request, person_id: UUID) -> HttpResponse:
    """Set a new first password and show it."""
    user = _person(person_id)
    return _page(request, made=user, password=verbs.reset_password(request.record, user))


def _person_page(
    request: Request, user: User, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "someone": user,
        "levels": Clearance.choices,
        "owned": factors.owned_by(user),
        "sessions": signin.sessions_of(user),
        "may_defer": user.may_defer_second_factor(timezone.now()),
        "longest_days": verbs.LONGEST_DEFERRAL_DAYS,
        **more,
    }
    return render(request, "accounts/person.html", context, status=status)


@require_safe
@signed_in(role=Role.ADMINISTRATOR)
def person(request: Request, person_id: UUID) -> HttpResponse:
    """How somebody signs in, and where they are signed in now."""
    return _person_page(request, _person(person_id))


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="end somebody's sessions")
def end_sessions(request: Request, person_id: UUID) -> HttpResponse:
    """Sign somebody out everywhere."""
    verbs.end_sessions(request.record, _person(person_id))
    return redirect("person", person_id)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="reset somebody's second factors")
def reset_second_factors(request: Request, person_id: UUID) -> HttpResponse:
    """Take somebody's second factors away and sign them out. Nobody resets their own."""
    user = _person(person_id)
    if user == request.user:
        problem = "You cannot reset your own second factors. Change them on your account page."
        return _person_page(request, user, status=400, problems=[problem])
    verbs.reset_second_factors(request.record, user)
    return redirect("person", person_id)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="change until when somebody needs no second factor")
def defer_second_factor(request: Request, person_id: UUID) -> HttpResponse:
    """Let somebody sign in without a second factor for some days. Nobody decides it for oneself."""
    user = _person(person_id)
    days = request.POST.get("days", "")
    try:
        if user == request.user:
            raise ValidationError("Somebody else decides this for you.")
        verbs.defer_second_factor(request.record, user, days=int(days) if days.isdigit() else -1)
    except ValidationError as error:
        return _person_page(request, user, status=400, problems=error.messages)
    return redirect("person", person_id)
