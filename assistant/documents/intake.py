"""Taking documents in: what a person does to a document before and after it is read."""

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from assistant.access.models import Matter
from assistant.accounts import identity
from assistant.accounts.models import User
from assistant.accounts.sealed import seal
from assistant.documents import blobs
from assistant.documents.access import documents_in
from assistant.documents.models import (
    WORKING,
    Document,
    IngestWork,
    PassageVector,
    Posting,
    State,
    Version,
)
from assistant.documents.parse import Cause, Rejected
from compliance import log
from compliance.events import (
    Context,
    Digest,
    DocumentCancelled,
    DocumentDeleted,
    DocumentDuplicate,
    DocumentRetried,
    DocumentUploaded,
)

WORK_MINUTES = 24 * 60
LONGEST_TITLE = 255


def store_upload(chunks: Iterable[bytes]) -> blobs.Blob:
    """Put the bytes away before a transaction begins; raises Rejected when they are too many."""
    try:
        return blobs.store(chunks, limit=settings.UPLOAD_BYTES)
    except blobs.TooLarge as error:
        raise Rejected(
            f"The file has more than {settings.UPLOAD_BYTES // 1_000_000} MB. "
            "Split it and upload the parts.",
            cause=Cause.TOO_LARGE,
        ) from error


def accept_upload(
    record: Context, user: User, matter: Matter, *, name: str, blob: blobs.Blob
) -> tuple[Version, bool]:
    """Take a stored file into a matter; returns its version and whether it is new.

    The same bytes in the same matter are one version. Another file of the same name is a new
    version of that document. Call `tasks.ingest_version.delay_on_commit(version.id)` for a new
    one. Raises Rejected for an empty file.
    """
    if blob.size == 0:
        raise Rejected("The file is empty.", cause=Cause.EMPTY)
    about = replace(record, matter=matter.id)
    held = _held_already(matter, blob.sha256)
    if held is not None:
        log.append(
            DocumentDuplicate(object=held.document_id, sha256=Digest(blob.sha256)),
            context=about,
            content={"title": title_of(name)},
        )
        return held, False
    title = title_of(name)
    # Two uploads of one name at once must not both open a document.
    _lock(f"{matter.id}/{title}")
    document = documents_in(matter).filter(title=title).order_by("created_at").first()
    if document is None:
        document = Document(matter=matter, title=title, created_by=user)
        document.save(force_insert=True)
    version = Version(
        document=document,
        acl_group=document.acl_group,
        number=document.versions.count() + 1,
        sha256=blob.sha256,
        size=blob.size,
        uploaded_by=user,
    )
    log.append(
        DocumentUploaded(
            object=document.id,
            version=version.id,
            sha256=Digest(blob.sha256),
            size_bytes=blob.size,
        ),
        context=about,
        content={"title": title},
    )
    version.save(force_insert=True)
    begin_work(version)
    return version, True


def begin_work(version: Version) -> None:
    """Leave work on a version for whoever claims it, to be done as the person entered now."""
    token = secrets.token_urlsafe(32)
    identity.delegate(token, minutes=WORK_MINUTES, outlives_session=True)
    IngestWork.objects.update_or_create(
        version_id=version.id,
        defaults={
            "sealed_token": seal(token),
            "worker": "",
            "lease_until": None,
            "attempts": 0,
        },
    )


def cancel(record: Context, version: Version) -> bool:
    """Stop work on a version; returns whether there was any to stop."""
    changed = Version.objects.filter(pk=version.pk, state__in=WORKING).update(
        state=State.CANCELLED, finished_at=timezone.now()
    )
    if not changed:
        return False
    log.append(
        DocumentCancelled(object=version.document_id, version=version.id),
        context=replace(record, matter=version.document.matter_id),
    )
    IngestWork.objects.filter(version_id=version.id).delete()
    return True


def retry(record: Context, version: Version) -> bool:
    """Begin again with a version that was rejected or cancelled; returns whether it was."""
    changed = Version.objects.filter(
        pk=version.pk, state__in=[State.REJECTED, State.CANCELLED]
    ).update(state=State.RECEIVED, reason="", progress=0, finished_at=None)
    if not changed:
        return False
    log.append(
        DocumentRetried(object=version.document_id, version=version.id),
        context=replace(record, matter=version.document.matter_id),
    )
    begin_work(version)
    return True


def delete_document(record: Context, document: Document) -> None:
    """Take a document out of lists and search. What was cited from it stays in its answers."""
    versions = document.versions.count()
    log.append(
        DocumentDeleted(object=document.id, versions=versions),
        context=replace(record, matter=document.matter_id),
        content={"title": document.title},
    )
    PassageVector.objects.filter(passage__document=document).delete()
    Posting.objects.filter(passage__document=document).delete()
    document.versions.filter(state__in=WORKING).update(state=State.CANCELLED)
    document.live_version = None
    document.deleted_at = timezone.now()
    document.save(update_fields=["live_version", "deleted_at"])


def title_of(name: str) -> str:
    """The name of a file as a title: no folders, no invisible characters, a bounded length."""
    name = unicodedata.normalize("NFC", PurePath(name.replace("\\", "/")).name)
    shown = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    return shown.strip()[:LONGEST_TITLE] or "Document without a name"


def _held_already(matter: Matter, sha256: str) -> Version | None:
    return (
        Version.objects.filter(
            document__matter=matter,
            document__deleted_at__isnull=True,
            sha256=sha256,
            state__in=[*WORKING, State.INDEXED],
        )
        .select_related("document")
        .first()
    )


def _lock(name: str) -> None:
    """Hold everybody else who takes this name until the transaction ends."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a lock needs a transaction")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
