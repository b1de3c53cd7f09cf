"""What it costs an event to carry content: time of an append, bytes in the database, keys."""

import time
from collections.abc import Mapping
from uuid import uuid4

from django.db import connection, transaction

from compliance import keeping, log
from compliance.events import Context, Digest, Event, EvidenceShown, PassageShown, QuestionAsked
from compliance.keyring import SLOT_BYTES
from tests.bench.place import Place
from tests.bench.table import Row, p50, p95

TIMES = 1_500
PASSAGE = "The tenant pays the rent in advance on the first working day of each month. " * 13
TEXTS: dict[str, dict[str, str]] = {
    "a question of 120 characters": {"question": "How much notice must a tenant give? " * 3},
    "8 passages of 1,000 characters": {
        "titles": "\n".join(f"{rank}. Lease of Thornfield House, page {rank}" for rank in range(8)),
        **{f"passage_{rank}": PASSAGE for rank in range(1, 9)},
    },
}


def run(place: Place) -> list[Row]:
    """The rows on their own."""
    del place
    return rows()


def rows() -> list[Row]:
    """Time, bytes and keys of events with content. Needs a database; runs for some ten seconds."""
    keeping.key_ring().take()
    found = [_append(name, texts) for name, texts in TEXTS.items()]
    return [*found, _keys()]


def _event(name: str) -> Event:
    digest = Digest("a" * 64)
    if "passages" in name:
        shown = tuple(
            PassageShown(passage=n, document=uuid4(), version=1, sha256=digest) for n in range(8)
        )
        return EvidenceShown(object=uuid4(), passages=shown)
    return QuestionAsked(object=uuid4(), conversation=uuid4(), answer=uuid4(), question=digest)


def _append(name: str, texts: Mapping[str, str]) -> Row:
    """One after the other, with and without, in turns: the machine's moods meet both."""
    size = sum(len(text.encode()) for text in texts.values())
    plain: list[float] = []
    sealed: list[float] = []
    sealing: list[float] = []
    before = _stored()
    with transaction.atomic():
        for _ in range(TIMES):
            plain.append(_timed(_event(name), None))
            sealed.append(_timed(_event(name), texts))
            began = time.perf_counter()
            keeping.keep(uuid4(), texts)
            sealing.append(1000 * (time.perf_counter() - began))
        cost = p50(sealed) - p50(plain)
    bytes_each = (_stored() - before) / TIMES
    return Row(
        path=f"an event with content ({name}) against the same without",
        goal="cost stated",
        measured=f"+{cost:.2f} ms of {p50(sealed):.2f} (p95 {p95(sealed):.2f} against "
        f"{p95(plain):.2f}); sealing itself {1000 * p50(sealing):.0f} µs; "
        f"{bytes_each:,.0f} bytes an event beside its header, {size:,} of them text",
        met=True,
    )


def _timed(event: Event, texts: Mapping[str, str] | None) -> float:
    began = time.perf_counter()
    log.append(event, context=Context(actor=uuid4()), content=texts)
    return 1000 * (time.perf_counter() - began)


def _stored() -> int:
    """Bytes of the table of content, its indexes and what is kept beside it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_total_relation_size('compliance_content')")
        (size,) = cursor.fetchone()
    return int(size)


def _keys() -> Row:
    store = keeping.key_ring().store
    cut = []
    for _ in range(20):
        began = time.perf_counter()
        store.cut(256)
        cut.append(1000 * (time.perf_counter() - began))
    return Row(
        path="256 keys cut ahead, on the disk when they are handed out",
        goal="cost stated",
        measured=f"p50 {p50(cut):.1f} ms, p95 {p95(cut):.1f} ms, off the path of requests; "
        f"{SLOT_BYTES} bytes a key",
        met=True,
    )
