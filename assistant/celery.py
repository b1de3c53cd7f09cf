"""The task queue: `answers` on threads, `documents` on processes.

Redis only wakes workers up. Which work exists, and who has it, stands in PostgreSQL (chat/work.py,
documents/work.py), so that a lost message costs seconds and never a question.
"""

import os
from typing import Any

from celery.signals import worker_init, worker_process_init, worker_ready

from assistant.broker import app as app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

app.autodiscover_tasks(["assistant.chat", "assistant.documents"])


@worker_init.connect
def make_ready(sender: Any, **_: Any) -> None:
    """Load the embedding model before the first question comes, not while it waits."""
    if "answers" in _queues(sender):
        from assistant.documents.vectors import embedder  # noqa: PLC0415 - needs Django's apps

        embedder().query("ready")


@worker_ready.connect
def begin_watch(sender: Any, **_: Any) -> None:
    """Look after work that was left behind, for as long as this worker lives."""
    # Imported here because models may only be imported once Celery has set Django up.
    from assistant.access import watch as access_watch  # noqa: PLC0415
    from assistant.chat import running, tasks  # noqa: PLC0415
    from assistant.documents import watch  # noqa: PLC0415
    from compliance.console import watch as record_watch  # noqa: PLC0415
    from compliance.ledger import alive  # noqa: PLC0415

    for queue in sorted(_queues(sender)):
        alive.begin(queue)
    if "answers" in _queues(sender):
        running.watch(wake=tasks.wake)
    if "documents" in _queues(sender):
        watch.watch()
        access_watch.watch()
        record_watch.watch()


@worker_process_init.connect
def begin_heartbeat(**_: Any) -> None:
    """What the pool's processes have written is told of by themselves."""
    from compliance.ledger import alive  # noqa: PLC0415

    alive.begin_child("documents")


def _queues(sender: Any) -> set[str]:
    """The queues this worker takes work from."""
    worker_app = getattr(sender, "app", app)
    return set(worker_app.amqp.queues.consume_from)
