"""What holds for every request: who makes it, what is told to browsers, what happens without a
database."""

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import logout
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from psycopg_pool import PoolTimeout

from assistant.accounts import sessions
from assistant.accounts.models import Session
from assistant.accounts.requests import Request
from compliance.events import Context
from compliance.shape import NotRecorded

GetResponse = Callable[[Request], HttpResponse]

NO_DATABASE = (OperationalError, InterfaceError, PoolTimeout)
SEEN_EVERY = timedelta(seconds=60)
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
    """Know the session behind a request, end it when idle, and let no answer be kept or framed."""

    def middleware(request: Request) -> HttpResponse:
        request.record = Context(request=request.reference)
        request.token = ""
        if request.user.is_authenticated:
            _continue_session(request)
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Permissions-Policy"] = NOTHING_ALLOWED
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return middleware


def _continue_session(request: Request) -> None:
    row = request.session.row
    now = timezone.now()
    if row is None or now - row.last_seen_at > timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        if row is not None:
            sessions.close_identity(row.public_id)
        logout(request)
        return
    if now - row.last_seen_at > SEEN_EVERY:
        Session.objects.filter(pk=row.pk).update(last_seen_at=now)
    request.token = sessions.identity_token(request.session.session_key or "")
    request.record = Context(
        actor=request.user.public_id, session=row.public_id, request=request.reference
    )
