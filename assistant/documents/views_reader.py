"""The reader: a page of a document with its marked places, its picture, the original file."""

from collections.abc import Iterable
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from assistant.access.errors import Missing
from assistant.access.web import signed_in
from assistant.accounts.requests import Request
from assistant.documents import library as shelf
from assistant.documents.blobs import pieces_of
from assistant.documents.models import Document, Version
from assistant.documents.pictures import picture_of
from assistant.documents.render import Box

MOST_SPANS = 12
SHOWN_SECONDS = 600
"""A picture belongs to a page that was shown at most this long ago."""

_SHOWN = TimestampSigner(salt="page-shown")


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
    picture = picture_of(version, number, spans) if view.has_image else None
    context = {
        "view": view,
        "picture": picture,
        "picture_address": _picture_address(request, version, number),
        "boxes": _in_thousandths(picture.boxes) if picture and spans else [],
    }
    if request.GET.get("fragment") == "1":
        more = {"is_fragment": True, "full_address": _full_address(request, version, number, spans)}
        return render(request, "documents/_page.html", context | more)
    more = {"versions": shelf.versions_of(found), "people": shelf.who_can_see(found)}
    return render(request, "documents/document.html", context | more)


def _version(request: Request, found: Document) -> Version:
    wanted = request.GET.get("version")
    version: Version | None = found.live_version
    if wanted:
        try:
            version = shelf.version_for(UUID(wanted))
        except ValueError as error:
            raise Missing from error
    if version is None or version.document_id != found.id:
        raise Missing
    return version


def _in_thousandths(boxes: Iterable[Box]) -> list[dict[str, str]]:
    """Boxes as the drawing over the picture counts: in thousandths of the page."""
    return [
        {name: f"{1000 * getattr(box, name):.2f}" for name in ("x", "y", "w", "h")}
        for box in boxes
    ]


def _picture_address(request: Request, version: Version, number: int) -> str:
    """The picture's address, with the proof that this session was shown the page."""
    proof = _SHOWN.sign(f"{request.record.session}/{version.id}/{number}").rpartition("/")[2]
    return f"{reverse('page-picture', args=[version.id, number])}?shown={proof}"


def _was_shown(request: Request, version: Version, number: int) -> bool:
    given = f"{request.record.session}/{version.id}/{request.GET.get('shown', '')}"
    try:
        return _SHOWN.unsign(given, max_age=SHOWN_SECONDS).endswith(f"/{number}")
    except BadSignature:
        return False


@require_safe
@signed_in
def picture(request: Request, version_id: UUID, number: int) -> HttpResponse:
    """A page of a PDF as a picture. That it is opened is recorded, unless its page was just now."""
    version = shelf.version_for(version_id)
    if not _was_shown(request, version, number):
        shelf.open_page(request.record, version, number, [])
    drawn = picture_of(version, number)
    if drawn is None:
        raise Missing
    return HttpResponse(drawn.png, content_type="image/png")


@require_safe
@signed_in
def original(request: Request, version_id: UUID) -> HttpResponseBase:
    """The file as it was uploaded, as a download that no browser opens by itself."""
    version = shelf.version_for(version_id)
    file = shelf.original_file(request.record, version)
    response = StreamingHttpResponse(pieces_of(file), content_type="application/octet-stream")
    response["Content-Length"] = str(file.stat().st_size)
    response["Content-Disposition"] = content_disposition_header(True, version.document.title)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _spans(texts: Iterable[str]) -> list[shelf.Span]:
    spans = []
    for text in list(texts)[:MOST_SPANS]:
        start, _, end = text.partition("-")
        if start.isdigit() and end.isdigit() and int(start) < int(end):
            spans.append((int(start), int(end)))
    return spans


def _full_address(
    request: Request, version: Version, number: int, spans: Iterable[shelf.Span]
) -> str:
    """The reader's own page for what the fragment shows."""
    texts = [f"{start}-{end}" for start, end in spans]
    query = urlencode({"version": version.id, "page": number, "span": texts}, doseq=True)
    return f"{request.path}?{query}"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 7 else None
