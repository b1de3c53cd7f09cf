"""The administrators' page of people known elsewhere, and of what provisions them."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access.web import signed_in
from assistant.accounts.directory import linking, tokens, ways
from assistant.accounts.models import Group, Role
from assistant.accounts.requests import Request
from assistant.accounts.stepup import stepped_up


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "identities": linking.identities(),
        "strangers": linking.strangers(),
        "tokens": tokens.tokens(),
        "groups": Group.objects.count(),
        "ways": ways.offered(),
        "service": request.build_absolute_uri("/scim/v2"),
        **more,
    }
    return render(request, "accounts/directory.html", context, status=status)


@require_safe
@signed_in(role=Role.ADMINISTRATOR)
def directory(request: Request) -> HttpResponse:
    """Who is known elsewhere, who waits to be linked, and which tokens count."""
    return _page(request)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="link an identity")
def link(request: Request) -> HttpResponse:
    """Link somebody who waits, or an identity that was typed."""
    username = request.POST.get("username", "")
    reference = request.POST.get("reference", "")
    try:
        if reference:
            linking.link_stranger(request.record, UUID(reference), username)
        else:
            issuer, subject = request.POST.get("issuer", ""), request.POST.get("subject", "")
            linking.link_by_hand(request.record, username, issuer=issuer, subject=subject)
    except ValidationError as error:
        return _page(request, status=400, problems=error.messages)
    except ValueError:
        return _page(request, status=400, problems=["That is no reference."])
    return redirect("people-directory")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="unlink an identity")
def unlink(request: Request, identity_id: int) -> HttpResponse:
    """Take an identity from its account."""
    linking.unlink(request.record, identity_id)
    return redirect("people-directory")


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="make a token for provisioning")
def create_token(request: Request) -> HttpResponse:
    """Make a token and show it, once."""
    made, words = tokens.create(request.record, request.POST.get("name", ""))
    return _page(request, made=made, words=words)


@require_POST
@signed_in(role=Role.ADMINISTRATOR)
@stepped_up(doing="take a token back")
def revoke_token(request: Request, token_id: UUID) -> HttpResponse:
    """Take a token back."""
    tokens.revoke(request.record, token_id)
    return redirect("people-directory")
