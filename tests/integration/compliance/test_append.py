"""Events are written with the action or not at all."""

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from compliance import canonical, header, log
from compliance.events import (
    CommandRun,
    Context,
    Digest,
    Event,
    EvidenceShown,
    PassageShown,
    SignedOut,
    SignInFailed,
    SignInFailure,
)
from compliance.models import Mention, RecordedEvent
from compliance.shape import AlreadyRecorded, NotAnEvent, NotInTransaction, NotRecorded
from tests.integration.compliance.readers import Person


def recorded(auditor: Person, event_id: UUID) -> RecordedEvent | None:
    with auditor.entered():
        return RecordedEvent.objects.filter(pk=event_id).first()


def append(event: Event, context: Context) -> UUID:
    with transaction.atomic():
        return log.append(event, context=context)


def test_columns_and_leaf_come_from_the_header(auditor: Person) -> None:
    context = Context(actor=uuid4(), session=uuid4(), request=uuid4(), matter=uuid4())
    account = uuid4()
    row = recorded(auditor, append(SignedOut(object=account), context))
    assert row is not None
    said = canonical.decode(bytes(row.header))
    assert isinstance(said, dict)
    columns = (row.actor, row.session, row.request, row.object, row.matter)
    assert columns == (
        context.actor,
        context.session,
        context.request,
        account,
        context.matter,
    )
    assert (row.type, row.outcome) == ("account.signed_out", "done")
    assert row.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") == said["time"]
    assert bytes(row.leaf) == hashlib.sha256(b"\0" + bytes(row.header)).digest()


def test_an_event_gets_its_number(
    auditor: Person, superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    event_id = append(SignedOut(), Context())
    give_up_at = time.monotonic() + 10
    while not superuser("SELECT 1 FROM compliance_leaf WHERE event_id = %s", [event_id]):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    assert not superuser("SELECT 1 FROM compliance_pending WHERE event_id = %s", [event_id])


def test_an_event_is_found_by_everything_it_names(auditor: Person) -> None:
    answer, documents = uuid4(), [uuid4(), uuid4()]
    shown = tuple(
        PassageShown(passage=n, document=document, version=1, sha256=Digest("a" * 64))
        for n, document in enumerate(documents)
    )
    event_id = append(EvidenceShown(object=answer, passages=shown), Context(actor=uuid4()))
    with auditor.entered():
        found = set(Mention.objects.filter(event_id=event_id).values_list("object", flat=True))
    assert found == {answer, *documents}


def test_a_rollback_takes_the_event_with_the_action(auditor: Person) -> None:
    event_id = header.new_event_id(auditor.user.created_at)
    with transaction.atomic():
        log.append(SignedOut(), context=Context(), event_id=event_id)
        transaction.set_rollback(True)
    assert recorded(auditor, event_id) is None


def test_a_denial_outlives_the_rollback_of_what_it_denies(auditor: Person) -> None:
    with transaction.atomic():
        event_id = log.append_alone(
            SignInFailed(reason=SignInFailure.WRONG_PASSWORD), context=Context()
        )
        transaction.set_rollback(True)
    assert recorded(auditor, event_id) is not None


def test_it_refuses_to_write_outside_a_transaction(database: Any) -> None:
    with pytest.raises(NotInTransaction):
        log.append(SignedOut(), context=Context())


def test_the_same_event_is_not_recorded_twice(auditor: Person) -> None:
    event_id = header.new_event_id(auditor.user.created_at)
    with transaction.atomic():
        log.append(SignedOut(), context=Context(), event_id=event_id)
    with pytest.raises(AlreadyRecorded), transaction.atomic():
        log.append(SignedOut(), context=Context(), event_id=event_id)


def test_nothing_is_done_when_the_database_refuses_the_event(
    staff: Person, owner: Callable[..., list[tuple[Any, ...]]]
) -> None:
    role = connection.settings_dict["USER"]
    owner(f'REVOKE INSERT ON compliance_event FROM "{role}"')
    try:
        with transaction.atomic():
            staff.user.display_name = "Somebody else"
            staff.user.save()
            # Even a caller that swallows the refusal cannot keep its action.
            with pytest.raises(NotRecorded, match="was not done"):
                log.append(SignedOut(), context=Context())
        with pytest.raises(NotRecorded):
            log.append_alone(SignedOut(), context=Context())
    finally:
        owner(f'GRANT INSERT (event_id, header, mac) ON compliance_event TO "{role}"')
    staff.user.refresh_from_db()
    assert staff.user.display_name.startswith("Carla")


def test_nothing_is_done_when_the_event_may_not_be_recorded(staff: Person) -> None:
    with transaction.atomic():
        staff.user.display_name = "Somebody else"
        staff.user.save()
        with pytest.raises(NotAnEvent):
            log.append(CommandRun(command="free text"), context=Context())
    staff.user.refresh_from_db()
    assert staff.user.display_name.startswith("Carla")


def test_nobody_is_named_as_the_actor_but_the_person_who_acts(
    staff: Person, auditor: Person
) -> None:
    with staff.entered():
        log.append(SignedOut(), context=Context(actor=staff.id))
        log.append(SignedOut(), context=Context())
    with pytest.raises(NotRecorded), staff.entered():
        log.append(SignedOut(), context=Context(actor=auditor.id))
