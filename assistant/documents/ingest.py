"""From bytes to searchable passages: the steps, in order, each safe to repeat.

Between the steps nothing is held: each step that needs the database enters the uploader's identity
in a transaction of its own. What is searchable changes in the last step alone, in one transaction.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from assistant.accounts.identity import NotSignedIn, entered
from assistant.documents import blobs, publish, vectors, work
from assistant.documents.chunk import Chunk, chunk
from assistant.documents.models import WORKING, State, Version
from assistant.documents.parse import Cause, Limits, Parsed, ParserUnavailable, Rejected, read_file
from compliance import log
from compliance.events import Context, DocumentRejected
from inference.errors import InferenceError

BATCH = 64
"""Passages embedded between two signs of life."""

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]


class TryAgain(Exception):
    """Something of ours was not there; the same file may be read later."""


class Cancelled(Exception):
    """Somebody stopped the work, or it went to another worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A version on its way: what the steps so far have made of it."""

    version: Version
    title: str
    token: str
    parsed: Parsed | None = None
    chunks: tuple[Chunk, ...] = ()
    digests: tuple[bytes, ...] = ()
    known: dict[bytes, Vectors] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def ingest(version_id: UUID) -> State | None:
    """Read, split, embed and publish a version; returns its state, or None if not ours to do.

    Raises TryAgain when the same work may succeed later.
    """
    token = work.claim(version_id)
    if token is None:
        return None
    try:
        return _ingest(version_id, token)
    except Cancelled:
        work.done(version_id)
        return State.CANCELLED
    except NotSignedIn:
        # The account was closed, or a day has passed. Nobody may finish it in that person's name.
        logger.warning("version %s: its uploader may no longer act; it is not read", version_id)
        work.done(version_id)
        return None


def _ingest(version_id: UUID, token: str) -> State:
    draft = _begin(version_id, token)
    try:
        if work.attempts_of(version_id) > work.ATTEMPTS:
            raise Rejected(
                "Reading this file ended the reader several times. It was set aside.",
                cause=Cause.DAMAGED,
            )
        for step in STEPS:
            with _timed(draft, step.__name__):
                draft = step(draft)
    except Rejected as refusal:
        _reject(draft, refusal)
        work.done(version_id)
        return State.REJECTED
    except (ParserUnavailable, InferenceError, OSError) as trouble:
        work.let_go(version_id)
        raise TryAgain(str(trouble)) from trouble
    work.done(version_id)
    return State.INDEXED


def _begin(version_id: UUID, token: str) -> Draft:
    with entered(token):
        version = Version.objects.select_related("document").filter(pk=version_id).first()
        if version is None or version.state not in WORKING:
            raise Cancelled
        return Draft(version=version, title=version.document.title, token=token)


def read(draft: Draft) -> Draft:
    """The file as text, read in a confined process."""
    _mark(draft, State.READING)
    path = blobs.path_of(draft.version.sha256)
    return replace(draft, parsed=read_file(path, name=draft.title, limits=Limits()))


def split(draft: Draft) -> Draft:
    """The text as passages, and the digest that says what each would be embedded as."""
    parsed = _parsed(draft)
    chunks = tuple(
        chunk(
            parsed.text,
            parsed.pages,
            count_tokens=vectors.word_pieces().count,
            paged=parsed.paged,
        )
    )
    if not chunks:
        raise Rejected("No text was found in this file.", cause=Cause.NO_TEXT)
    digests = tuple(
        hashlib.sha256(embedded_text(draft.title, parsed.text[c.start : c.end]).encode()).digest()
        for c in chunks
    )
    return replace(draft, chunks=chunks, digests=digests)


def embed(draft: Draft) -> Draft:
    """A vector for each passage that no earlier version of the document has."""
    _mark(draft, State.EMBEDDING)
    with entered(draft.token):
        known = publish.known_vectors(draft.version.document_id, set(draft.digests))
    text = _parsed(draft).text
    wanted = {
        digest: embedded_text(draft.title, text[c.start : c.end])
        for digest, c in zip(draft.digests, draft.chunks, strict=True)
        if digest not in known
    }
    # Neighbours in length share a batch, so that little is spent on padding.
    order = sorted(wanted, key=lambda digest: len(wanted[digest]))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        made = vectors.batch_embedder().passages([wanted[digest] for digest in batch])
        known |= zip(batch, made, strict=True)
        _mark(draft, State.EMBEDDING, progress=100 * (start + len(batch)) // len(order))
    return replace(draft, known=known)


def publish_version(draft: Draft) -> Draft:
    """Make this the version that searches see, in one transaction."""
    parsed = _parsed(draft)
    with entered(draft.token):
        if not work.renew(draft.version.id):
            raise Cancelled
        published = publish.publish(
            draft.version,
            title=draft.title,
            parsed=parsed,
            chunks=draft.chunks,
            digests=draft.digests,
            vectors=draft.known,
            seconds=draft.seconds,
        )
        if not published:
            raise Cancelled
    return draft


STEPS: tuple[Callable[[Draft], Draft], ...] = (read, split, embed, publish_version)


def embedded_text(title: str, text: str) -> str:
    """What is embedded for a passage: its document's name stands before it."""
    return f"{publish.spoken_title(title)}\n{text}"


def _mark(draft: Draft, state: State, *, progress: int = 0) -> None:
    """Show where the work stands, and learn whether it is still wanted."""
    if not work.renew(draft.version.id):
        raise Cancelled
    with entered(draft.token):
        wanted = Version.objects.filter(pk=draft.version.pk, state__in=WORKING).update(
            state=state, progress=progress
        )
    if not wanted:
        raise Cancelled


def _reject(draft: Draft, refusal: Rejected) -> None:
    version = draft.version
    with entered(draft.token):
        changed = Version.objects.filter(pk=version.pk, state__in=WORKING).update(
            state=State.REJECTED,
            reason=refusal.reason,
            finished_at=timezone.now(),
            seconds=draft.seconds,
        )
        if changed:
            log.append(
                DocumentRejected(
                    object=version.document_id, version=version.id, reason=refusal.cause.value
                ),
                context=Context(
                    actor=version.uploaded_by.public_id, matter=version.document.matter_id
                ),
            )


def _parsed(draft: Draft) -> Parsed:
    assert draft.parsed is not None, "the step before this one reads the file"
    return draft.parsed


@contextmanager
def _timed(draft: Draft, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    draft.seconds[step] = round(time.monotonic() - began, 3)
