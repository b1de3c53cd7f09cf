"""Puts a version's passages where searches look, and takes the former version's away."""

import re
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from assistant.documents.chunk import Chunk
from assistant.documents.models import (
    WORKING,
    Document,
    Page,
    PassageVector,
    Posting,
    State,
    Version,
)
from assistant.documents.parse import Parsed
from assistant.documents.terms import terms_of
from compliance import log
from compliance.events import Context, DocumentIndexed, VersionPublished

Vector = NDArray[np.float32]

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_SEPARATORS = re.compile(r"[_\-–]+")


def spoken_title(title: str) -> str:
    """A file's name as words: "Reseller_Agreement-2017.pdf" is "Reseller Agreement 2017"."""
    return " ".join(_SEPARATORS.sub(" ", _EXTENSION.sub("", title)).split())


def known_vectors(document_id: uuid.UUID, digests: Collection[bytes]) -> dict[bytes, Vector]:
    """Vectors that the document's live version has for these digests already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct on (p.digest) p.digest, v.embedding::text
              from documents_passage p join documents_passagevector v on v.passage_id = p.id
             where p.document_id = %s and p.digest = any (%s)
            """,
            [document_id, list(digests)],
        )
        return {
            bytes(digest): np.fromstring(vector[1:-1], dtype=np.float32, sep=",")
            for digest, vector in cursor.fetchall()
        }


def publish(
    version: Version,
    *,
    title: str,
    parsed: Parsed,
    chunks: Sequence[Chunk],
    digests: Sequence[bytes],
    vectors: Mapping[bytes, Vector],
    seconds: Mapping[str, float],
) -> bool:
    """Make this version the live one; returns False when it is no longer wanted.

    To be called in a transaction that has entered the uploader. A search sees the former version
    before the commit and this one after it.
    """
    document = Document.objects.select_for_update().get(pk=version.document_id)
    changed = Version.objects.filter(pk=version.pk, state__in=WORKING).update(
        state=State.INDEXED,
        kind=parsed.kind,
        paged=parsed.paged,
        text=parsed.text,
        notes=list(parsed.notes),
        page_count=len(parsed.pages),
        passage_count=len(chunks),
        progress=100,
        seconds=dict(seconds),
        finished_at=timezone.now(),
    )
    if not changed or document.deleted_at is not None:
        return False
    former = document.live_version
    if former is not None and former.number > version.number:
        # A newer upload was faster. This one is kept, but it is not what searches see.
        Version.objects.filter(pk=version.pk).update(state=State.SUPERSEDED)
        return True
    # The document's labels may have changed since its file came in.
    version.acl_group = document.acl_group
    _insert_pages(version, parsed)
    ids = _insert_passages(version, parsed.text, chunks, digests)
    _insert_vectors(version.acl_group, ids, digests, vectors)
    _insert_postings(version.acl_group, ids, title, [parsed.text[c.start : c.end] for c in chunks])
    if former is not None:
        PassageVector.objects.filter(passage__version=former).delete()
        Posting.objects.filter(passage__version=former).delete()
        Version.objects.filter(pk=former.pk).update(state=State.SUPERSEDED)
    document.live_version = version
    document.save(update_fields=["live_version"])
    _record(version, parsed, len(chunks), former)
    return True


def _record(version: Version, parsed: Parsed, passages: int, former: Version | None) -> None:
    context = Context(actor=version.uploaded_by.public_id, matter=version.document.matter_id)
    log.append(
        DocumentIndexed(
            object=version.document_id,
            version=version.id,
            kind=parsed.kind,
            pages=len(parsed.pages),
            passages=passages,
        ),
        context=context,
    )
    log.append(
        VersionPublished(
            object=version.document_id,
            version=version.id,
            replaces=former.id if former else None,
        ),
        context=context,
    )


def _insert_pages(version: Version, parsed: Parsed) -> None:
    Page.objects.bulk_create(
        Page(
            version=version,
            acl_group=version.acl_group,
            number=page.number,
            start=page.start,
            end=page.end,
            state=page.state,
        )
        for page in parsed.pages
    )


def _insert_passages(
    version: Version, text: str, chunks: Sequence[Chunk], digests: Sequence[bytes]
) -> list[int]:
    """One statement for all; returns the new ids in order."""
    rows = _run(
        """
        insert into documents_passage
          (version_id, document_id, acl_group, ordinal, page, start, "end", text, digest)
        select %s, %s, %s, t.*
          from unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::bytea[]) t
        returning ordinal, id
        """,
        [
            version.id,
            version.document_id,
            version.acl_group,
            list(range(len(chunks))),
            [c.page for c in chunks],
            [c.start for c in chunks],
            [c.end for c in chunks],
            [text[c.start : c.end] for c in chunks],
            list(digests),
        ],
    )
    return [passage_id for _, passage_id in sorted(rows)]


def _insert_vectors(
    group: int, ids: Sequence[int], digests: Sequence[bytes], vectors: Mapping[bytes, Vector]
) -> None:
    written = ["[" + ",".join(map(str, vectors[d].tolist())) + "]" for d in digests]
    _run(
        """
        insert into documents_passagevector (passage_id, acl_group, cell, embedding)
        select t.id, %s, 0, t.v::halfvec from unnest(%s::bigint[], %s::text[]) t (id, v)
        """,
        [group, list(ids), written],
    )


def _insert_postings(group: int, ids: Sequence[int], title: str, texts: Sequence[str]) -> None:
    named = terms_of(spoken_title(title))
    terms: list[str] = []
    passages: list[int] = []
    frequencies: list[int] = []
    words: list[int] = []
    for passage_id, text in zip(ids, texts, strict=True):
        counted = Counter(named + terms_of(text))
        length = sum(counted.values())
        terms += counted.keys()
        frequencies += (min(count, 32_767) for count in counted.values())
        passages += [passage_id] * len(counted)
        words += [length] * len(counted)
    _run(
        """
        insert into documents_posting (term, acl_group, passage_id, frequency, words)
        select t.term, %s, t.passage, t.frequency, t.words
          from unnest(%s::text[], %s::bigint[], %s::smallint[], %s::int[])
               t (term, passage, frequency, words)
        """,
        [group, terms, passages, frequencies, words],
    )


def _run(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
