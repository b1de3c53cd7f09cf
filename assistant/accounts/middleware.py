"""What holds for every request: who makes it, how far they are signed in, what is told to browsers,
what happens without a database."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib.auth import get_user, logout
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from psycopg_pool import PoolTimeout

from assistant.accounts import sessions, stepup
from assistant.accounts.models import User
from assistant.accounts.requests import Request
from compliance.events import Context
from compliance.shape import NotRecorded

GetResponse = Callable[[Request], HttpResponse]

NO_DATABASE = (OperationalError, InterfaceError, PoolTimeout)
HALFWAY_PAGES = frozenset(
    {
        "second-factor",
        "set-up-second-factor",
        "set-up-app",
        "set-up-passkey",
        "passkey-options",
        "recovery-codes",
        "sign-out",
    }
)
"""What is open to somebody who has given a password and no second factor."""

QUIET = "X-Quiet"
"""A page that asks by itself says so, and does not keep its session from going idle."""

NOTHING_ALLOWED = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

logger = logging.getLogger(__name__)


def refuse_when_unavailable(get_response: GetResponse) -> GetResponse:
    """Say in a sentence that nothing was saved, when the database or the record cannot answer."""

    def middleware(request: Request) -> HttpResponse:
        request.reference = uuid4()
        return get_response(request)

    def process_exception(request: Request, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (*NO_DATABASE, NotRecorded)):
            return None
        logger.error("reference %s: %s", request.reference, type(error).__name__)
        context = {"reference": request.reference, "recorded": not isinstance(error, NotRecorded)}
        return render(None, "503.html", context, status=503)

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def keep_private(get_response: GetResponse) -> GetResponse:
    """Know the session behind a request, end it when idle, and let no answer be kept or framed.

    Without the second factor nobody is signed in, and every page leads to the one that asks for it.
    """

    def middleware(request: Request) -> HttpResponse:
        request.record = Context(request=request.reference)
        request.token = ""
        request.halfway = None
        if request.user.is_authenticated:
            _continue_session(request)
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Permissions-Policy"] = NOTHING_ALLOWED
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    def process_view(
        request: Request, view: Any, args: list[Any], keywords: dict[str, Any]
    ) -> HttpResponse | None:
        place = request.resolver_match.url_name if request.resolver_match else None
        if request.halfway is None or place in HALFWAY_PAGES:
            return None
        wanted = request.get_full_path() if request.method == "GET" else ""
        return redirect(f"{resolve_url('second-factor')}?{urlencode({'next': wanted})}")

    def process_exception(request: Request, error: Exception) -> HttpResponse | None:
        return stepup.ask(request, error) if isinstance(error, stepup.StepUpNeeded) else None

    middleware.process_view = process_view  # type: ignore[attr-defined]
    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def _continue_session(request: Request) -> None:
    row = request.session.row
    if row is None:
        logout(request)
        return
    record = Context(
        actor=request.user.public_id, session=row.public_id, request=request.reference
    )
    if sessions.is_idle(row):
        sessions.end(row, reason="idle", record=Context(request=request.reference))
        logout(request)
        return
    if QUIET not in request.headers:
        sessions.seen(row.public_id)
    request.record = record
    if row.signed_in_at is None:
        # Not merely kept from the pages: whatever asks who this is, is told "nobody".
        found = get_user(request)
        request.halfway = found if isinstance(found, User) else None
        request.user = AnonymousUser()  # type: ignore[assignment]
        return
    request.token = sessions.identity_token(request.session.session_key or "")
