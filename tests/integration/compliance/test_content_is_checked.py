"""Verifying names ciphertexts that are not what the headers commit to, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.utils import timezone

from compliance import ciphertexts
from compliance.content.covered import Scope
from tests.installation import Installation
from tests.integration.compliance.locked import Rows, recorded
from tests.integration.compliance.test_content_is_erased import erased
from tests.people import make_person


@pytest.fixture
def reader(database: Installation) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody who reads everything."""
    address = database.state()["databases"]["superuser"]
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@contextmanager
def unguarded(superuser: Rows, *, undo: str, values: list[Any]) -> Iterator[None]:
    """The table of content without its trigger, and put right afterwards."""
    superuser("alter table compliance_content disable trigger keep")
    try:
        yield
    finally:
        superuser(undo, values)
        superuser("alter table compliance_content enable always trigger keep")


def named(reader: "psycopg.Connection[Any]") -> dict[UUID, str]:
    return {found.event_id: found.says for found in ciphertexts.damage(reader)}


def test_content_that_was_erased_is_no_damage(reader: "psycopg.Connection[Any]") -> None:
    event_id = recorded()
    olga, nora = make_person("olga", "privacy_officer"), make_person("nora", "auditor")
    erased(olga, nora, Scope.EVENT, event_id)
    assert named(reader) == {}


def test_changed_content_is_named(reader: "psycopg.Connection[Any]", superuser: Rows) -> None:
    event_id = recorded()
    ((was,),) = superuser(
        "select ciphertext from compliance_content where event_id = %s", [event_id]
    )
    undo = "update compliance_content set ciphertext = %s where event_id = %s"
    with unguarded(superuser, undo=undo, values=[was, event_id]):
        superuser(undo, [bytes(was)[:-1] + b"\0", event_id])
        assert named(reader) == {event_id: "content is not what the event committed to"}
        assert list(ciphertexts.damage(reader, after=event_id)) == []
    assert named(reader) == {}


def test_content_that_is_gone_is_named(
    reader: "psycopg.Connection[Any]", superuser: Rows
) -> None:
    event_id = recorded()
    ((key_id, was),) = superuser(
        "select key_id, ciphertext from compliance_content where event_id = %s", [event_id]
    )
    undo = "insert into compliance_content (event_id, key_id, ciphertext) values (%s, %s, %s)"
    with unguarded(superuser, undo=undo, values=[event_id, key_id, was]):
        superuser("delete from compliance_content where event_id = %s", [event_id])
        assert named(reader) == {event_id: "the content that the event committed to is gone"}


def test_content_of_no_event_is_named(
    reader: "psycopg.Connection[Any]", superuser: Rows
) -> None:
    event_id = uuid4()
    undo = "delete from compliance_content where event_id = %s"
    with unguarded(superuser, undo=undo, values=[event_id]):
        superuser(
            "insert into compliance_content (event_id, key_id, ciphertext) values (%s, %s, 'x')",
            [event_id, uuid4()],
        )
        assert named(reader) == {event_id: "content of an event that is not there"}


def test_ciphertexts_of_a_time_are_handed_out(
    reader: "psycopg.Connection[Any]", superuser: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ciphertexts, "_BATCH", 2)
    after = timezone.now()
    events = [recorded() for _ in range(5)]
    before = timezone.now() + timedelta(seconds=1)
    kept = superuser(
        "select ciphertext from compliance_content where event_id = any(%s)", [events]
    )
    found = ciphertexts.ciphertexts(reader, after=after, before=before)
    assert sorted(found) == sorted(bytes(row[0]) for row in kept)
    assert list(ciphertexts.ciphertexts(reader, after=before, before=before)) == []
