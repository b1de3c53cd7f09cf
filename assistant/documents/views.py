"""Pages of the library and of a document. Views translate; the verbs are in library and intake."""

from collections.abc import Iterable
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from assistant.access.errors import Missing
from assistant.access.matters import matter_for
from assistant.access.models import Matter
from assistant.access.web import signed_in
from assistant.accounts.identity import entered
from assistant.accounts.requests import Request
from assistant.documents import intake, tasks
from assistant.documents import library as shelf
from assistant.documents.models import Document, Version
from assistant.documents.parse import ParseError, Rejected

PICTURE_WIDTH = 1200
MOST_SPANS = 12
OK = 200


def _shelf(matter: Matter) -> dict[str, object]:
    rows = shelf.documents_of(matter)
    return {"matter": matter, "rows": rows, "working": any(row.is_working for row in rows)}


@require_safe
@signed_in
def library(request: Request, matter_id: UUID) -> HttpResponse:
    """The documents of a matter, and the place to drop new ones."""
    matter = matter_for(matter_id)
    people = [member.user for member in matter.memberships.select_related("user")]
    context = {**_shelf(matter), "people": people}
    return render(request, "documents/library.html", context)


@require_safe
@signed_in
def rows(request: Request, matter_id: UUID) -> HttpResponse:
    """The rows of the library alone, for a page that follows the reading."""
    return render(request, "documents/_rows.html", _shelf(matter_for(matter_id)))


@require_POST
def upload(request: Request, matter_id: UUID) -> HttpResponse:
    """Take files in. A script gets JSON for its one file, a form is sent back to the library."""
    allowed: HttpResponse = _may_upload(request, matter_id)
    if allowed.status_code != OK:
        return allowed
    results = [_take(request, matter_id, file) for file in request.FILES.getlist("file")]
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(results[0] if results else {"state": "rejected", "reason": "No file."})
    return redirect("library", matter_id)


@signed_in
def _may_upload(request: Request, matter_id: UUID) -> HttpResponse:
    """An empty answer for members; what any page would say to everybody else."""
    matter_for(matter_id)
    return HttpResponse(status=OK)


def _take(request: Request, matter_id: UUID, file: "UploadedFile[bytes]") -> dict[str, object]:
    name = file.name or ""
    try:
        # The bytes are put away before the transaction begins: a slow disk must not hold it open.
        blob = intake.store_upload(file.chunks())
        with entered(request.token):
            version, is_new = intake.accept_upload(
                request.record, request.user, matter_for(matter_id), name=name, blob=blob
            )
            if is_new:
                transaction.on_commit(lambda: tasks.wake(version.id))
    except Rejected as refusal:
        return {"name": name, "state": "rejected", "reason": refusal.reason}
    return {"name": name, "state": version.state if is_new else "duplicate", "reason": ""}


@require_safe
@signed_in
def document(request: Request, document_id: UUID) -> HttpResponse:
    """A page of a document, with the spans of a citation marked."""
    found = shelf.document_for(document_id)
    version = _version(request, found)
    spans = _spans(request.GET.getlist("span"))
    first = min((start for start, _ in spans), default=0)
    number = _number(request.GET.get("page")) or shelf.page_of(version, first)
    view = shelf.open_page(request.record, version, number, spans)
    boxes = _boxes(version, number, spans) if view.has_image else []
    context = {
        "view": view,
        "boxes": boxes,
        "spans": [f"{start}-{end}" for start, end in spans],
        "versions": shelf.versions_of(found),
        "people": shelf.who_can_see(found),
    }
    is_fragment = request.GET.get("fragment") == "1"
    template = "documents/_page.html" if is_fragment else "documents/document.html"
    return render(request, template, context)


def _version(request: Request, found: Document) -> Version:
    version: Version | None
    wanted = request.GET.get("version")
    if wanted:
        try:
            version = shelf.version_for(UUID(wanted))
        except ValueError as error:
            raise Missing from error
    else:
        version = found.live_version
    if version is None or version.document_id != found.id:
        raise Missing
    return version


def _boxes(version: Version, number: int, spans: list[shelf.Span]) -> list[dict[str, str]]:
    """Where the spans stand on the picture of the page, in thousandths of its size."""
    if not spans:
        return []
    try:
        drawn = shelf.image_of_page(version, number, spans=spans, width=PICTURE_WIDTH)
    except (ParseError, OSError):
        return []
    return [
        {
            "x": f"{1000 * box.x:.2f}",
            "y": f"{1000 * box.y:.2f}",
            "w": f"{1000 * box.w:.2f}",
            "h": f"{1000 * box.h:.2f}",
        }
        for box in drawn.boxes
    ]


@require_safe
@signed_in
def picture(request: Request, version_id: UUID, number: int) -> HttpResponse:
    """A page of a PDF as a picture."""
    version = shelf.version_for(version_id)
    try:
        drawn = shelf.image_of_page(version, number, spans=[], width=PICTURE_WIDTH)
    except (ParseError, OSError) as error:
        raise Missing from error
    return HttpResponse(drawn.png, content_type="image/png")


@require_safe
@signed_in
def original(request: Request, version_id: UUID) -> HttpResponse:
    """The file as it was uploaded, as a download that no browser opens by itself."""
    version = shelf.version_for(version_id)
    response = HttpResponse(
        shelf.original_file(request.record, version), content_type="application/octet-stream"
    )
    name = version.document.title.replace('"', "").encode("ascii", "replace").decode()
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@require_POST
@signed_in
def delete(request: Request, document_id: UUID) -> HttpResponse:
    """Take a document out of lists and searches."""
    found = shelf.document_for(document_id)
    intake.delete_document(request.record, found)
    return redirect("library", found.matter_id)


@require_POST
@signed_in
def cancel(request: Request, version_id: UUID) -> HttpResponse:
    """Stop reading a document."""
    version = shelf.version_for(version_id)
    intake.cancel(request.record, version)
    return redirect("library", version.document.matter_id)


@require_POST
@signed_in
def retry(request: Request, version_id: UUID) -> HttpResponse:
    """Read a document again."""
    version = shelf.version_for(version_id)
    if intake.retry(request.record, version):
        transaction.on_commit(lambda: tasks.wake(version.id))
    return redirect("library", version.document.matter_id)


def _spans(texts: Iterable[str]) -> list[shelf.Span]:
    spans = []
    for text in list(texts)[:MOST_SPANS]:
        start, _, end = text.partition("-")
        if start.isdigit() and end.isdigit() and int(start) < int(end):
            spans.append((int(start), int(end)))
    return spans


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 7 else None
