"""The one door to documents: what the person who is entered may see, and nothing else."""

from uuid import UUID

from django.db.models import QuerySet

from assistant.access.errors import Missing
from assistant.access.models import Matter
from assistant.documents.models import Document, Version


def documents_in(matter: Matter) -> QuerySet[Document]:
    """The documents of a matter that were not deleted."""
    return Document.objects.filter(matter=matter, deleted_at__isnull=True)


def document_for(document_id: UUID) -> Document:
    """The document of this id; raises Missing when there is none to see."""
    found = (
        Document.objects.select_related("live_version", "matter")
        .filter(pk=document_id, deleted_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing
    return found


def version_for(version_id: UUID) -> Version:
    """The version of this id; raises Missing when there is none to see."""
    found = (
        Version.objects.select_related("document", "document__matter")
        .filter(pk=version_id, document__deleted_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing
    return found
