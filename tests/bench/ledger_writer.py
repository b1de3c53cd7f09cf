"""A process of writers for the ledger's bench: `python -m tests.bench.ledger_writer HOW WRITERS S`.

Each transaction does the same business, and then records it: through `log.append`, by a plain
INSERT, or in a hash chain under a lock. Prints how many were committed.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from compliance import header, log  # noqa: E402
from compliance.events import Context, DocumentOpened  # noqa: E402
from tests.installation import point_django_at  # noqa: E402

WORK_SECONDS = 0.010
BUSINESS = "INSERT INTO bench_business (id, person, words) VALUES (%s, %s, %s)"
PLAIN = """
INSERT INTO bench_plain (event_id, recorded_at, type, actor, session, request, object, matter,
    outcome, header) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
WORDS = "what somebody did, in a row of the usual size " * 4


def context() -> Context:
    return Context(actor=uuid4(), session=uuid4(), request=uuid4(), matter=None)


def append() -> None:
    log.append(DocumentOpened(object=uuid4()), context=context())


def plain() -> None:
    """The same event in an ordinary table, with the same columns and indexes to search by."""
    who, event, now = context(), DocumentOpened(object=uuid4()), timezone.now()
    written = header.write(event, context=who, now=now)
    row: list[Any] = [written.event_id, now, event.type, who.actor, who.session, who.request]
    row += [event.object, who.matter, str(event.outcome), written.data]
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, row)


def bare() -> None:
    """The header alone, under its id."""
    written = header.write(DocumentOpened(object=uuid4()), context=context(), now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_bare (event_id, header) VALUES (%s, %s)",
            [written.event_id, written.data],
        )


def chained() -> None:
    """The usual tamper-evident table: each row holds the hash of the one before it."""
    written = header.write(DocumentOpened(object=uuid4()), context=context(), now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM bench_head FOR UPDATE")
        (before,) = cursor.fetchone()
        digest = hashlib.sha256(bytes(before) + written.data).digest()
        cursor.execute(
            "INSERT INTO bench_chain (event_id, header, hash) VALUES (%s, %s, %s)",
            [written.event_id, written.data, digest],
        )
        cursor.execute("UPDATE bench_head SET hash = %s", [digest])


HOWS: dict[str, tuple[Callable[[], None], float]] = {
    "append": (append, 0.0),
    "plain": (plain, 0.0),
    "bare": (bare, 0.0),
    "chain": (chained, 0.0),
    "append-work": (append, WORK_SECONDS),
    "chain-work": (chained, WORK_SECONDS),
}


def work(how: str, until: float, counts: list[int]) -> None:
    record, pause = HOWS[how]
    person: UUID = uuid4()
    count = 0
    while time.monotonic() < until:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(BUSINESS, [uuid4(), person, WORDS])
            record()
            if pause:
                time.sleep(pause)
        count += 1
    counts.append(count)


def main() -> None:
    how, writers, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    state = json.loads(Path(os.environ["CLOISTER_HOME"], "run", "state.json").read_text())
    point_django_at(state)
    counts: list[int] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=(how, until, counts)) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{sum(counts)}\n")


if __name__ == "__main__":
    main()
