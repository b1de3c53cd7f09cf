"""Pages of barriers, for privacy officers: what stands, what one would do, raising and lifting."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access import barriers as verbs
from assistant.access.barriers import Draft
from assistant.access.models import Kind
from assistant.access.people import named_in
from assistant.access.teams import groups
from assistant.access.web import signed_in
from assistant.accounts.models import Role
from assistant.accounts.requests import Request
from assistant.accounts.stepup import stepped_up

KINDS = (
    (Kind.WALL, "Wall", "keeps out whom it names"),
    (Kind.SEAL, "Legal seal", "keeps out everybody but whom it names"),
    (Kind.LIST, "Restricted list", "is for the team it names; nobody else sees what it covers"),
)


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    matters = verbs.matter_names()
    references = {matter.id: matter.reference for matter in matters}
    rows = [
        (barrier, references.get(barrier.matter_id) if barrier.matter_id else None)
        for barrier in verbs.barriers(request.record)
    ]
    context = {
        "standing": [row for row in rows if row[0].lifted_at is None],
        "lifted": [row for row in rows if row[0].lifted_at is not None],
        "matters": matters,
        "clients": sorted({(m.client_name, m.client) for m in matters if m.client}),
        "groups": groups(),
        "kinds": KINDS,
        "given": {"kind": Kind.WALL, "place": "matter"},
        **more,
    }
    return render(request, "access/barriers.html", context, status=status)


@require_safe
@signed_in(role=Role.PRIVACY_OFFICER)
def barriers(request: Request) -> HttpResponse:
    """The barriers that stand, and the form for another."""
    return _page(request)


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
def preview(request: Request) -> HttpResponse:
    """Whom the barrier would close out of what, before it is raised."""
    given = _given(request.POST)
    try:
        foreseen = verbs.effect(_draft(request.POST))
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages, given=given)
    kept = [(name, value) for name, value in given.items() if name != "groups"]
    return _page(request, effect=foreseen, given=given, kept=kept)


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
@stepped_up(doing="raise a barrier")
def raise_barrier(request: Request) -> HttpResponse:
    """Raise the barrier that was looked at."""
    try:
        verbs.raise_barrier(
            request.record,
            _draft(request.POST),
            reason=request.POST.get("reason", ""),
            by=request.user,
            leave_without_lead=request.POST.get("leave_without_lead") == "yes",
        )
    except ValidationError as error:
        given = _given(request.POST)
        return _page(request, status=400, problems=error.messages, given=given)
    return redirect("barriers")


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
@stepped_up(doing="lift a barrier")
def lift(request: Request, barrier_id: UUID) -> HttpResponse:
    """Let permissions hold again."""
    try:
        verbs.lift_barrier(
            request.record, barrier_id, reason=request.POST.get("reason", ""), by=request.user
        )
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    return redirect("barriers")


def _draft(fields: QueryDict) -> Draft:
    """The barrier that the form describes; of the places, only the chosen one counts."""
    place = fields.get("place", "")
    people, chosen = named_in(fields.get("people", ""), fields.getlist("groups"))
    try:
        kind = Kind(fields.get("kind", ""))
        around = UUID(fields.get(place, "")) if place in ("matter", "client", "document") else None
    except ValueError as error:
        raise ValidationError("Choose what the barrier stands around.") from error
    return Draft(
        kind=kind,
        matter=around if place == "matter" else None,
        client=around if place == "client" else None,
        document=around if place == "document" else None,
        names=verbs.names_in(fields.get("names", "")) if place == "names" else (),
        people=people,
        groups=chosen,
    )


def _given(fields: QueryDict) -> dict[str, Any]:
    names = ("kind", "place", "matter", "client", "document", "names", "people", "reason")
    return {name: fields.get(name, "") for name in names} | {"groups": fields.getlist("groups")}
