"""What an auditor takes along: one event's proof, the program that checks it, the newest head."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compliance import verify
from compliance.console import integrity
from compliance.console.views import RecordRequest, readers_only
from compliance.ledger import handing_out
from compliance.ledger.anchors import one_line
from compliance.ledger.database import Database
from compliance.ledger.errors import LedgerError
from compliance.ledger.paper import qr_svg
from compliance.ledger.place import Place


@require_safe
def record_proof(request: RecordRequest, event_id: UUID) -> HttpResponse:
    """One event's proof as a file that stands alone; that it was handed out is recorded."""
    readers_only(request)
    # The reader's own connection: row security decides here as well.
    database = cast(Database, connection.connection)
    try:
        proof = handing_out.prove(
            database, Place(home=settings.HOME), event_id, context=request.record
        )
    except (handing_out.NotThere, LedgerError) as problem:
        page = {"problem": str(problem), "event_id": event_id}
        return render(request, "compliance/no_proof.html", page, status=409)
    return _file(proof, f"event-{event_id}.tlog-proof", "text/plain")


@require_safe
def record_verifier(request: RecordRequest) -> HttpResponse:
    """The verifier: one file that needs nothing but Python."""
    readers_only(request)
    return _file(Path(verify.__file__).read_text(), "verify.py", "text/x-python")


@require_safe
def record_checkpoint(request: RecordRequest) -> HttpResponse:
    """The newest signed head with its code, to be photographed, printed or copied."""
    readers_only(request)
    badge = integrity.badge(datetime.now(UTC))
    page: dict[str, Any] = {"badge": badge, "zone": settings.TIME_ZONE}
    if badge.checkpoint:
        page["code"] = qr_svg(one_line(badge.checkpoint.note))
    return render(request, "compliance/checkpoint.html", page)


def _file(text: str, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
