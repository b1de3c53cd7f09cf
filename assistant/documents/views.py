"""Pages of the library. Views translate; the verbs are in library and intake."""

from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access.errors import Missing
from assistant.access.matters import (
    leads,
    matter_for,
    matter_to_change,
    may_change,
    people_who_see,
)
from assistant.access.models import Matter
from assistant.access.web import signed_in
from assistant.accounts.identity import NotSignedIn, entered
from assistant.accounts.requests import Request
from assistant.documents import intake, tasks
from assistant.documents import library as shelf
from assistant.documents.parse import Rejected

OK = 200


def _shelf(matter: Matter) -> dict[str, object]:
    rows = shelf.documents_of(matter)
    return {
        "matter": matter,
        "rows": rows,
        "leads": leads(matter),
        "may_change": may_change(matter.id),
        "labelled": any(row.labels for row in rows),
        "working": any(row.is_working for row in rows),
    }


@require_safe
@signed_in
def library(request: Request, matter_id: UUID) -> HttpResponse:
    """The documents of a matter, and the place to drop new ones."""
    matter = matter_for(matter_id)
    people = people_who_see(matter.id)
    limit = settings.UPLOAD_BYTES // 1_000_000
    context = {**_shelf(matter), "people": people, "limit_megabytes": limit}
    return render(request, "documents/library.html", context)


@require_safe
@signed_in
def rows(request: Request, matter_id: UUID) -> HttpResponse:
    """The rows of the library alone, for a page that follows the reading."""
    return render(request, "documents/_rows.html", _shelf(matter_for(matter_id)))


@require_POST
def upload(request: Request, matter_id: UUID) -> HttpResponseBase:
    """Take files in. A script gets JSON for its one file, a form is sent back to the library."""
    allowed = _may_upload(request, matter_id)
    if allowed.status_code != OK:
        return allowed
    results = [_take(request, matter_id, file) for file in request.FILES.getlist("file")]
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(results[0] if results else {"state": "rejected", "reason": "No file."})
    return redirect("library", matter_id)


@signed_in
def _may_upload(request: Request, matter_id: UUID) -> HttpResponse:
    """An empty answer for members; what any page would say to everybody else."""
    matter_to_change(matter_id)
    return HttpResponse(status=OK)


def _take(request: Request, matter_id: UUID, file: "UploadedFile[bytes]") -> dict[str, object]:
    name = file.name or ""
    try:
        # The bytes are put away before the transaction begins: a slow disk must not hold it open.
        blob = intake.store_upload(file.chunks())
        with entered(request.token):
            version, is_new = intake.accept_upload(
                request.record, request.user, matter_to_change(matter_id), name=name, blob=blob
            )
            if is_new:
                transaction.on_commit(lambda: tasks.wake(version.id))
    except Rejected as refusal:
        return {"name": name, "state": "rejected", "reason": refusal.reason}
    except (Missing, NotSignedIn) as error:
        # The right went while the bytes were coming in.
        raise Http404 from error
    return {"name": name, "state": version.state if is_new else "duplicate", "reason": ""}


@require_POST
@signed_in
def delete(request: Request, document_id: UUID) -> HttpResponse:
    """Take a document out of lists and searches."""
    found = shelf.document_for(document_id)
    matter_to_change(found.matter_id)
    intake.delete_document(request.record, found)
    return redirect("library", found.matter_id)


@require_POST
@signed_in
def cancel(request: Request, version_id: UUID) -> HttpResponse:
    """Stop reading a document."""
    version = shelf.version_for(version_id)
    matter_to_change(version.document.matter_id)
    intake.cancel(request.record, version)
    return redirect("library", version.document.matter_id)


@require_POST
@signed_in
def retry(request: Request, version_id: UUID) -> HttpResponse:
    """Read a document again."""
    version = shelf.version_for(version_id)
    matter_to_change(version.document.matter_id)
    if intake.retry(request.record, version):
        transaction.on_commit(lambda: tasks.wake(version.id))
    return redirect("library", version.document.matter_id)
