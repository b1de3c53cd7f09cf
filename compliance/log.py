"""The only way into the record: no action without its event, in the same transaction.

    with transaction.atomic():
        log.append(QuestionAsked(...), context=context)
        ...                            # the action itself

A denial has no transaction of its own that would be committed, so it goes through `append_alone`.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, Error, IntegrityError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from compliance import header, keeping
from compliance.commitment import Commitment as Commitment
from compliance.commitment import commitment as commitment
from compliance.keyring import KeysUnavailable
from compliance.shape import AlreadyRecorded as AlreadyRecorded
from compliance.shape import Context, Event
from compliance.shape import NotAnEvent as NotAnEvent
from compliance.shape import NotInTransaction as NotInTransaction
from compliance.shape import NotRecorded as NotRecorded

RECORD_ALIAS = "record"
"""The connection for events that must outlive the rollback of what they tell of."""

_UNIQUE_VIOLATION = "23505"
_INSERT = "INSERT INTO compliance_event (header) VALUES (%s)"


def append(
    event: Event,
    *,
    context: Context,
    event_id: UUID | None = None,
    using: str = DEFAULT_DB_ALIAS,
    content: Mapping[str, str] | None = None,
) -> UUID:
    """Record an event in the caller's transaction and return its id.

    `content` are texts that belong to it, each by a word: they are kept as ciphertext under a key
    of their own, and the header commits to the ciphertext. Empty texts are left out.

    An `event_id` of the caller's makes a repetition visible: the second time raises
    AlreadyRecorded. Use a UUID of version 7 (`compliance.header.new_event_id`).

    Raises NotInTransaction outside `transaction.atomic`, NotAnEvent for what may not be recorded,
    NotRecorded when the database refuses or there is no key for the content, and the database's own
    error when it went away. After any of these but the first, the transaction (or the savepoint) is
    rolled back even when the caller goes on: what is not recorded is not done.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        raise NotInTransaction(
            f"{event.type} was to be recorded outside a transaction. "
            "Open transaction.atomic() around the action and its event."
        )
    try:
        with connection.cursor() as cursor:
            context = _under_break_glass(cursor, context)
            now = timezone.now()
            event_id = event_id or header.new_event_id(now)
            kept = keeping.keep(event_id, content)
            written = header.write(
                event, context=context, now=now, event_id=event_id, content=kept.sha256
            )
            cursor.execute(kept.before + _INSERT, [*kept.values, written.data])
    except NotAnEvent:
        connection.set_rollback(True)
        raise
    except Error as refusal:
        connection.set_rollback(True)
        if connection.connection is not None and connection.connection.closed:
            # The server went away, and the action with it. Nobody has refused to record it.
            raise
        raise _not_recorded(event, refusal) from refusal
    except KeysUnavailable as refusal:
        connection.set_rollback(True)
        raise NotRecorded(
            f"{event.type} could not be recorded, so it was not done. {refusal}"
        ) from refusal
    return event_id


def append_alone(
    event: Event,
    *,
    context: Context,
    event_id: UUID | None = None,
    content: Mapping[str, str] | None = None,
) -> UUID:
    """Record an event at once, on a connection of its own, and return its id.

    For denials and failed sign-ins: a rollback of the caller's work does not take it away.
    Raises NotAnEvent or NotRecorded, as `append` does.
    """
    try:
        with transaction.atomic(using=RECORD_ALIAS):
            return append(
                event, context=context, event_id=event_id, using=RECORD_ALIAS, content=content
            )
    except Error as refusal:
        # Connecting and committing can fail outside `append`.
        raise _not_recorded(event, refusal) from refusal


def _under_break_glass(cursor: CursorWrapper, context: Context) -> Context:
    """The context, with the break-glass its actor acts under, as the database knows it."""
    if context.actor is None or context.matter is None:
        return context
    cursor.execute("SELECT auth.emergency_in(%s)", [context.matter])
    (emergency,) = cursor.fetchone()
    return replace(context, emergency=emergency)


def _not_recorded(event: Event, refusal: Error) -> NotRecorded:
    repeated = getattr(refusal.__cause__, "sqlstate", None) == _UNIQUE_VIOLATION
    if isinstance(refusal, IntegrityError) and repeated:
        return AlreadyRecorded(f"{event.type} was recorded under this id before.")
    return NotRecorded(
        f"{event.type} could not be recorded, so it was not done. "
        "Check that the database accepts writes and that its clock is right."
    )
