"""What the library and the reader show of documents. Opening a page is recorded first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL

from assistant.access.errors import Missing
from assistant.access.models import Matter
from assistant.accounts.models import Clearance, User
from assistant.documents import blobs
from assistant.documents.access import document_for as document_for
from assistant.documents.access import documents_in
from assistant.documents.access import version_for as version_for
from assistant.documents.models import Document, Page, State, Version
from assistant.documents.parse import PageState
from assistant.documents.render import Rendered, page_image
from compliance import log
from compliance.events import Context, DocumentDownloaded, DocumentOpened

STEP_TEXTS = {
    State.RECEIVED: "Waiting to be read",
    State.READING: "Reading",
    State.EMBEDDING: "Making it searchable",
    State.INDEXED: "Searchable",
    State.REJECTED: "Not taken in",
    State.CANCELLED: "Cancelled",
    State.SUPERSEDED: "Replaced",
}

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document as the library shows it: its newest version, and what became of it."""

    id: UUID
    title: str
    version_id: UUID
    number: int
    versions: int
    state: str
    step_text: str
    progress: int
    reason: str
    notes: list[str]
    kind: str
    size: int
    pages: int
    pages_read: int
    passages: int
    uploaded_by: str
    uploaded_at: datetime
    is_working: bool
    is_live: bool
    has_live: bool
    labels: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """A page to read. `segments` is its text in pieces, those inside a span marked."""

    document: Document
    version: Version
    number: int
    page_count: int
    segments: list[tuple[str, bool]]
    has_image: bool
    is_live: bool


def documents_of(matter: Matter) -> list[Row]:
    """The documents of a matter by title, each with its newest version."""
    newest = Version.objects.filter(document=OuterRef("pk")).order_by("-number")
    documents = {
        document.newest_id: document
        for document in documents_in(matter).annotate(
            newest_id=Subquery(newest.values("pk")[:1]), held=Count("versions", distinct=True)
        )
    }
    versions = (
        Version.objects.filter(pk__in=documents)
        .defer("text")
        .select_related("uploaded_by")
        .annotate(read=Count("pages", filter=Q(pages__state=PageState.READ)))
    )
    rows = [_row(documents[version.pk], version) for version in versions]
    return sorted(rows, key=lambda row: row.title.casefold())


def _row(document: Any, version: Any) -> Row:
    return Row(
        id=document.id,
        title=document.title,
        version_id=version.id,
        number=version.number,
        versions=document.held,
        state=version.state,
        step_text=STEP_TEXTS[State(version.state)],
        progress=version.progress,
        reason=version.reason,
        notes=list(version.notes),
        kind=version.kind,
        size=version.size,
        pages=version.page_count,
        pages_read=version.read,
        passages=version.passage_count,
        uploaded_by=version.uploaded_by.display_name,
        uploaded_at=version.uploaded_at,
        is_working=version.is_working,
        is_live=document.live_version_id == version.pk,
        has_live=document.live_version_id is not None,
        labels=_labels(document),
    )


def _labels(document: Any) -> list[str]:
    """What narrows who may read the document, in words."""
    level = Clearance(document.classification)
    found = [str(level.label)] if level is not Clearance.INTERNAL else []
    if document.is_restricted:
        found.append("Restricted")
    return found + [f"for {purpose.replace('_', ' ')}" for purpose in document.purposes]


def versions_of(document: Document) -> list[Version]:
    """All versions, the newest first, without their texts."""
    return list(
        document.versions.defer("text").select_related("uploaded_by").order_by("-number")
    )


def who_can_see(document: Document) -> list[User]:
    """Everybody who may read the document, for whatever purpose, by name."""
    people = RawSQL("select auth.readers_of(%s)", [document.id])
    return list(User.objects.filter(pk__in=people).order_by("display_name"))


def open_page(
    record: Context, version: Version, number: int, spans: Sequence[Span]
) -> PageView:
    """A page with `spans` of the version's text marked; raises Missing when there is no such page.

    That it is shown is recorded before its text is read.
    """
    page = version.pages.filter(number=number).first()
    if page is None:
        raise Missing
    log.append(
        DocumentOpened(object=version.document_id, version=version.id, page=number),
        context=replace(record, matter=version.document.matter_id),
        content={"title": version.document.title},
    )
    text = version.text[page.start : page.end]
    return PageView(
        document=version.document,
        version=version,
        number=number,
        page_count=version.page_count,
        segments=_segments(text, _on_page(page, spans)),
        has_image=version.kind == "pdf",
        is_live=version.document.live_version_id == version.pk,
    )


def page_of(version: Version, start: int) -> int:
    """The number of the page a character stands on; the first page when there is none."""
    page = version.pages.filter(start__lte=start).order_by("-number").first()
    return page.number if page else 1


def image_of_page(
    version: Version, number: int, *, spans: Sequence[Span], width: int
) -> Rendered:
    """A picture of a page of a PDF, with boxes around the spans; raises Missing.

    The page was recorded as opened when its text was shown.
    """
    page = version.pages.filter(number=number).first()
    if page is None or version.kind != "pdf":
        raise Missing
    return page_image(
        blobs.path_of(version.sha256), number, spans=_on_page(page, spans), width_px=width
    )


def whole_text(record: Context, document: Document) -> str:
    """The characters that passages, citations and highlights count in; recorded first."""
    version = document.live_version
    if version is None:
        raise Missing
    log.append(
        DocumentDownloaded(object=document.id, version=version.id, form="text"),
        context=replace(record, matter=document.matter_id),
        content={"title": document.title},
    )
    return version.text


def original_file(record: Context, version: Version) -> Path:
    """Where the bytes are as they were uploaded; that they are sent is recorded first."""
    log.append(
        DocumentDownloaded(object=version.document_id, version=version.id),
        context=replace(record, matter=version.document.matter_id),
        content={"title": version.document.title},
    )
    return blobs.path_of(version.sha256)


def _on_page(page: Page, spans: Sequence[Span]) -> list[Span]:
    """The parts of the spans that stand on the page, counted from its start."""
    cut = [(max(start, page.start), min(end, page.end)) for start, end in spans]
    return [(start - page.start, end - page.start) for start, end in cut if start < end]


def _segments(text: str, spans: Sequence[Span]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted(spans):
        start = max(start, at)
        if start >= end:
            continue
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    pieces.append((text[at:], False))
    return [piece for piece in pieces if piece[0]]
