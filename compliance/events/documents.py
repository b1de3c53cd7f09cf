"""Events about documents: taken in, read, shown, deleted."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Outcome, Reference, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentUploaded(Event):
    """A file was taken in; `sha256` is of its bytes. Object: the document."""

    type: ClassVar[str] = "document.uploaded"
    says: ClassVar[str] = "{actor} uploaded {object} to {matter}"
    version: Reference | None = None
    sha256: Digest
    size_bytes: int
    kind: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDuplicate(Event):
    """A file was offered that the matter holds already. Object: the document it holds."""

    type: ClassVar[str] = "document.duplicate"
    says: ClassVar[str] = "{actor} uploaded {object} to {matter} again; nothing new was stored"
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentIndexed(Event):
    """A version was read and can be searched. Object: the document."""

    type: ClassVar[str] = "document.indexed"
    says: ClassVar[str] = "{object} was read: {pages} pages, {passages} passages"
    version: Reference
    kind: Word | None = None
    pages: int
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRejected(Event):
    """A file could not be taken in, and why. Object: the document, if one was made."""

    type: ClassVar[str] = "document.rejected"
    says: ClassVar[str] = "{object} was rejected: {reason}"
    outcome: Outcome = Outcome.REFUSED
    version: Reference | None = None
    reason: Word
    sha256: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCancelled(Event):
    """Taking in a document was cancelled. Object: the document."""

    type: ClassVar[str] = "document.cancelled"
    says: ClassVar[str] = "{actor} cancelled the upload of {object}"
    version: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRetried(Event):
    """A rejected or cancelled version is about to be read once more. Object: the document."""

    type: ClassVar[str] = "document.retried"
    says: ClassVar[str] = "{actor} asked for {object} to be read once more"
    outcome: Outcome = Outcome.BEGUN
    version: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDeleted(Event):
    """A document was deleted with its versions. Object: the document."""

    type: ClassVar[str] = "document.deleted"
    says: ClassVar[str] = "{actor} deleted {object} from {matter}"
    versions: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPublished(Event):
    """A version became the one that searches see. Object: the document."""

    type: ClassVar[str] = "document.version_published"
    says: ClassVar[str] = "Version {version} of {object} was published"
    version: Reference
    replaces: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLabelled(Event):
    """A document's labels were set: who may read it, and for what. Object: the document.

    A restricted document is for `people` and `groups` alone.
    """

    type: ClassVar[str] = "document.labelled"
    says: ClassVar[str] = "{actor} labelled {object}: level {classification}"
    classification: int
    purposes: tuple[Word, ...] = ()
    restricted: bool = False
    people: tuple[UUID, ...] = ()
    groups: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOpened(Event):
    """A page is about to be shown; written ahead. Object: the document."""

    type: ClassVar[str] = "document.opened"
    says: ClassVar[str] = "{actor} opened {object}, page {page}"
    outcome: Outcome = Outcome.BEGUN
    version: Reference | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDownloaded(Event):
    """The file or its whole text is about to be sent; written ahead. Object: the document."""

    type: ClassVar[str] = "document.downloaded"
    says: ClassVar[str] = "{actor} downloaded {object}"
    outcome: Outcome = Outcome.BEGUN
    version: Reference | None = None
    form: Word = "original"
