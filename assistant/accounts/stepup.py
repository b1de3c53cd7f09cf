"""Step-up: what is done rarely and reaches far asks again who is there.

    @signed_in(role=Role.ADMINISTRATOR)
    @stepped_up(doing="change somebody's roles")
    def roles(request, person_id): ...

    require_step_up(request, within_minutes=5, doing="export the record")    # inside a view

A complete sign-in counts as the first step-up, so that nobody needs two codes in one minute; with
`again=True` it does not. A form that was sent is kept, sealed, until its sender has confirmed who
they are, and is then shown to be sent on: nothing typed is lost and nothing is done unseen.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, overload
from urllib.parse import urlencode

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone

from assistant.accounts.attempts import SIGNIN, forgive
from assistant.accounts.models import Session
from assistant.accounts.requests import Request
from assistant.accounts.sealed import seal, unseal
from compliance import log
from compliance.events import SteppedUp

WITHIN_MINUTES = 5
KEPT_SECONDS = 600
LARGEST_FORM = 32_000
SOMETHING = "go on"

View = Callable[..., HttpResponse]


class StepUpNeeded(Exception):
    """The person must confirm who they are before this is done. Nothing was done."""

    def __init__(self, doing: str) -> None:
        super().__init__(doing)
        self.doing = doing


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """A form that waits for its sender's confirmation."""

    address: str
    doing: str
    fields: list[tuple[str, str]]
    files_lost: bool


def is_stepped_up(
    request: Request, *, within_minutes: float = WITHIN_MINUTES, again: bool = False
) -> bool:
    """Whether the person proved who they are within the last minutes."""
    row = request.session.row
    if row is None or row.signed_in_at is None or row.stepped_up_at is None:
        return False
    if again and row.stepped_up_at <= row.signed_in_at:
        return False
    return timezone.now() - row.stepped_up_at <= timedelta(minutes=within_minutes)


def require_step_up(
    request: Request,
    *,
    within_minutes: float = WITHIN_MINUTES,
    again: bool = False,
    doing: str = SOMETHING,
) -> None:
    """Raise StepUpNeeded unless the person proved who they are within the last minutes."""
    if not is_stepped_up(request, within_minutes=within_minutes, again=again):
        raise StepUpNeeded(doing)


@overload
def stepped_up(view: View) -> View: ...
@overload
def stepped_up(
    *, within_minutes: float = ..., again: bool = ..., doing: str = ...
) -> Callable[[View], View]: ...
def stepped_up(
    view: View | None = None,
    *,
    within_minutes: float = WITHIN_MINUTES,
    again: bool = False,
    doing: str = SOMETHING,
) -> Any:
    """Let a view run only when its person proved who they are within the last minutes."""

    def guard(inner: View) -> View:
        @wraps(inner)
        def run(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            require_step_up(request, within_minutes=within_minutes, again=again, doing=doing)
            return inner(request, *args, **kwargs)

        return run

    return guard if view is None else guard(view)


def ask(request: Request, needed: StepUpNeeded) -> HttpResponse:
    """Send the person to the page that asks who they are; what they sent is kept for them."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": "step_up", "address": resolve_url("step-up")}, status=403)
    wanted = request.get_full_path()
    if request.method == "POST":
        _keep_form(request, needed.doing)
        wanted = ""
    return redirect(f"{resolve_url('step-up')}?{urlencode({'next': wanted})}")


def confirmed(request: Request, method: str) -> None:
    """Note that the person has just proved who they are, by this method."""
    row = request.session.row
    if row is None:
        return
    now = timezone.now()
    with transaction.atomic(using=SIGNIN):
        log.append(
            SteppedUp(object=request.user.public_id, method=method),
            context=request.record,
            using=SIGNIN,
        )
        Session.objects.using(SIGNIN).filter(pk=row.pk).update(stepped_up_at=now)
        forgive(request.user)
    row.stepped_up_at = now


def kept_form(request: Request) -> KeptForm | None:
    """The form that waits to be sent on; None when there is none or it waited too long."""
    sealed = request.session.get("kept_form")
    if sealed is None:
        return None
    try:
        kept = json.loads(unseal(sealed.encode()))
    except InvalidToken:
        return None
    if kept["until"] < time.time():
        return None
    fields = [(name, value) for name, value in kept["fields"]]
    return KeptForm(
        address=kept["address"],
        doing=kept["doing"],
        fields=fields,
        files_lost=kept["files_lost"],
    )


def forget_form(request: Request) -> None:
    """The kept form is not wanted any more."""
    request.session.pop("kept_form", None)


def _keep_form(request: Request, doing: str) -> None:
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    kept = json.dumps(
        {
            "address": request.get_full_path(),
            "doing": doing,
            "fields": fields,
            "files_lost": bool(request.FILES),
            "until": time.time() + KEPT_SECONDS,
        }
    )
    forget_form(request)
    if len(kept) <= LARGEST_FORM:
        request.session["kept_form"] = seal(kept).decode()
