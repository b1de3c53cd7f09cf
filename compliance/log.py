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
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from compliance import header, keeping
from compliance.commitment import Commitment as Commitment
from compliance.commitment import commitment as commitment
from compliance.keyring import KeysUnavailable
from compliance.ledger import chain, writers
from compliance.shape import AlreadyRecorded as AlreadyRecorded
from compliance.shape import Context, Event
from compliance.shape import NotAnEvent as NotAnEvent
from compliance.shape import NotInTransaction as NotInTransaction
from compliance.shape import NotRecorded as NotRecorded

RECORD_ALIAS = "record"
"""The connection for events that must outlive the rollback of what they tell of."""

_UNIQUE_VIOLATION = "23505"


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
        entry = _Entry(event, connection, event_id=event_id, content=content)
        with connection.cursor() as cursor:
            if not entry.insert(cursor, context):
                entry.insert(cursor, _under_break_glass(cursor, context))
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
    return entry.event_id


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


class _Entry:
    """An event on its way into the table, with its content, as the next of its writer's chain."""

    def __init__(
        self,
        event: Event,
        connection: BaseDatabaseWrapper,
        *,
        event_id: UUID | None,
        content: Mapping[str, str] | None,
    ) -> None:
        self._event = event
        self._connection = connection
        self._now = timezone.now()
        self.event_id = event_id or header.new_event_id(self._now)
        self._kept = keeping.keep(self.event_id, content)

    def insert(self, cursor: CursorWrapper, context: Context) -> bool:
        """Insert it; False, and nothing is inserted, when its actor acts under break-glass.

        That it happens under break-glass must be in the header. Few do, and everybody waits for
        this, so it is asked in the same statement.
        """
        tip = writers.tip(self._connection)
        written = header.write(
            self._event,
            context=context,
            now=self._now,
            event_id=self.event_id,
            chain=chain.members(tip, writers.escrow() if tip.seq == 0 else None),
            content=self._kept.sha256,
        )
        mac = tip.mac_of(written.data)
        asks = context.actor and context.matter and not context.emergency
        cursor.execute(
            keeping.insertion(asks=bool(asks), keeps=bool(self._kept.values)),
            {
                **self._kept.values,
                "event_id": self.event_id,
                "header": written.data,
                "mac": mac,
                "matter": context.matter,
            },
        )
        if asks and not cursor.rowcount:
            return False
        writers.move(self._connection, tip.after(mac))
        return True


def _under_break_glass(cursor: CursorWrapper, context: Context) -> Context:
    """The context, with the break-glass its actor acts under, as the database knows it."""
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
