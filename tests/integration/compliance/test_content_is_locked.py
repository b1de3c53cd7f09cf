"""Texts of events are kept as ciphertext, and read by auditors and officers for a reason alone."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from compliance import content, header, keeping, log
from compliance.events import Context
from compliance.models import Content, RecordedEvent
from compliance.sealed import seal
from compliance.shape import NotAnEvent, NotRecorded
from tests import glass
from tests.integration.compliance.locked import (
    CANARY,
    REASON,
    Rows,
    question,
    recorded,
    refusal,
    unlock,
)
from tests.people import Person, World, make_person, make_world


@pytest.fixture(scope="module")
def nora(database: Any) -> Person:
    """An auditor."""
    return make_person("nora", "auditor")


@pytest.fixture(scope="module")
def olga(database: Any) -> Person:
    """A privacy officer."""
    return make_person("olga", "privacy_officer")


@pytest.fixture(scope="module")
def world(database: Any) -> World:
    return make_world()


def test_a_question_is_ciphertext_and_its_header_commits_to_it(
    nora: Person, superuser: Rows
) -> None:
    event_id = recorded()
    ((row, data, digest),) = superuser(
        "select e.header, c.ciphertext, c.sha256 from compliance_event e"
        " join compliance_content c using (event_id) where e.event_id = %s",
        [event_id],
    )
    assert CANARY.encode() not in bytes(data) + bytes(row)
    assert hashlib.sha256(data).digest() == bytes(digest)
    assert f'"content":"{hashlib.sha256(data).hexdigest()}"'.encode() in bytes(row)


def test_an_auditor_and_an_officer_read_it_for_a_reason(nora: Person, olga: Person) -> None:
    event_id = recorded({"question": CANARY, "title": "Œuvres, §7"})
    assert unlock(nora, event_id) == CANARY
    assert unlock(olga, event_id, part="title") == "Œuvres, §7"


def test_parts_are_listed_by_name_and_size_for_those_who_may_unlock(
    nora: Person, world: World
) -> None:
    event_id = recorded({"question": "Why?", "title": "é", "comment": ""})
    with nora.entered():
        found = content.locked_parts(event_id)
    assert [(part.name, part.size) for part in found] == [("question", 4), ("title", 2)]
    with world.as_alice():
        assert content.locked_parts(event_id) == ()


def test_every_look_is_an_event_with_its_reason_locked_like_the_rest(nora: Person) -> None:
    matter = uuid4()
    event_id = recorded(matter=matter)
    unlock(nora, event_id)
    with nora.entered():
        look = RecordedEvent.objects.get(type="content.unlocked", object=event_id)
    assert (look.actor, look.matter) == (nora.user.public_id, matter)
    assert look.said()["fields"] == {"part": "question", "kind": "question.asked"}
    assert unlock(nora, look.event_id, part="reason") == REASON


def test_the_event_is_committed_before_anything_is_shown(
    nora: Person, superuser: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = recorded()
    with glass.proved(nora) as acting:
        content.unlock(acting.record, acting.user, event_id, "question", REASON)
        # The reader's own transaction is still open, and may yet be rolled back.
        seen = superuser(
            "select 1 from compliance_event where type = 'content.unlocked' and object = %s",
            [event_id],
        )
        transaction.set_rollback(True)
    assert seen


def test_what_cannot_be_recorded_is_not_shown(nora: Person, superuser: Rows) -> None:
    event_id = recorded()
    role = connection.settings_dict["USER"]
    with glass.proved(nora) as acting:
        superuser(f'revoke insert (header) on compliance_event from "{role}"')
        try:
            with pytest.raises(NotRecorded):
                content.unlock(acting.record, acting.user, event_id, "question", REASON)
        finally:
            superuser(f'grant insert (header) on compliance_event to "{role}"')


@pytest.mark.parametrize("reason", ["", "   ", "because", " " * 40, "x" * 2001])
def test_without_a_written_reason_nothing_is_shown(nora: Person, reason: str) -> None:
    assert refusal(nora, recorded(), reason=reason) == "no_reason"


def test_without_the_second_factor_again_nothing_is_shown(nora: Person) -> None:
    event_id = recorded()
    with nora.entered() as acting:
        with pytest.raises(content.UnlockRefused) as refused:
            content.unlock(acting.record, acting.user, event_id, "question", REASON)
    assert refused.value.why == "not_proved"
    with glass.proved(nora, minutes_ago=6) as acting:
        with pytest.raises(content.UnlockRefused):
            content.unlock(acting.record, acting.user, event_id, "question", REASON)


@pytest.mark.parametrize("roles", [["staff"], ["knowledge_manager"], ["administrator"]])
def test_other_roles_are_shown_nothing_even_when_the_verb_is_deceived(
    nora: Person, roles: list[str]
) -> None:
    event_id = recorded()
    person = make_person("curious", *roles)
    assert refusal(person, event_id) == "wrong_role"
    person.user.roles = ["auditor"]
    with glass.proved(person) as acting:
        with pytest.raises(content.UnlockRefused) as refused:
            content.unlock(acting.record, person.user, event_id, "question", REASON)
    # Row security looks the role up itself.
    assert refused.value.why == "missing"
    with person.entered():
        assert not Content.objects.exists()


def test_a_refusal_is_an_event_that_says_why(nora: Person, superuser: Rows) -> None:
    event_id = recorded()
    assert refusal(nora, event_id, part="answer") == "no_such_part"
    assert refusal(nora, event_id, reason="short") == "no_reason"
    found = superuser(
        "select actor, outcome, convert_from(header, 'UTF8')::jsonb #>> '{fields,reason}'"
        " from compliance_event where type = 'content.unlock_refused' and object = %s"
        " order by recorded_at",
        [event_id],
    )
    refused = (nora.user.public_id, "refused")
    assert found == [(*refused, "no_such_part"), (*refused, "no_reason")]


def test_an_event_without_content_has_nothing_to_unlock(nora: Person) -> None:
    event_id = recorded({})
    assert refusal(nora, event_id) == "missing"
    assert refusal(nora, uuid4()) == "missing"


@contextmanager
def changed(superuser: Rows, event_id: UUID, column: str, value: Any) -> Iterator[None]:
    """Content that an administrator of the database has changed, and then puts right again."""
    ((was,),) = superuser(
        f"select {column} from compliance_content where event_id = %s", [event_id]
    )
    _change(superuser, event_id, column, value)
    try:
        yield
    finally:
        _change(superuser, event_id, column, was)


def _change(superuser: Rows, event_id: UUID, column: str, value: Any) -> None:
    superuser("alter table compliance_content disable trigger keep")
    superuser(
        f"update compliance_content set {column} = %s where event_id = %s", [value, event_id]
    )
    superuser("alter table compliance_content enable always trigger keep")


def test_bytes_put_under_another_event_are_not_shown(nora: Person, superuser: Rows) -> None:
    mine, other = recorded(), recorded({"question": "A harmless one."})
    ((data,),) = superuser("select ciphertext from compliance_content where event_id = %s", [other])
    with changed(superuser, mine, "ciphertext", data):
        assert refusal(nora, mine) == "not_genuine"
    assert unlock(nora, mine) == CANARY


def test_another_text_under_the_same_key_is_not_shown(nora: Person, superuser: Rows) -> None:
    """Whoever holds database and keys can seal anew, and cannot change what was committed to."""
    event_id = recorded()
    ((key_id,),) = superuser(
        "select key_id from compliance_content where event_id = %s", [event_id]
    )
    forged = seal(event_id, {"question": "A lie."}, keeping.key_ring().store.find(key_id))
    with changed(superuser, event_id, "ciphertext", forged.data):
        assert refusal(nora, event_id) == "not_genuine"


def test_another_key_opens_nothing(nora: Person, superuser: Rows) -> None:
    event_id, other = recorded(), keeping.key_ring().take()
    with changed(superuser, event_id, "key_id", other.id):
        assert refusal(nora, event_id) == "not_genuine"


def test_a_key_that_is_in_another_store_opens_nothing(nora: Person, superuser: Rows) -> None:
    event_id = recorded()
    with changed(superuser, event_id, "key_id", uuid4()):
        assert refusal(nora, event_id) == "no_key"


def test_a_key_seals_one_event_by_the_database_s_own_rule(database: Any, superuser: Rows) -> None:
    ((key,),) = superuser(
        "select key_id from compliance_content where event_id = %s", [recorded()]
    )
    with pytest.raises(DatabaseError, match="key_id"), transaction.atomic():
        connection.cursor().execute(
            "insert into compliance_content (event_id, key_id, ciphertext) values (%s, %s, '')",
            [uuid4(), key],
        )


def test_a_header_cannot_commit_to_what_is_not_kept(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "keep", lambda *_: keeping.Kept(sha256="b" * 64))
    with pytest.raises(NotRecorded) as refused:
        recorded()
    assert "commits to content that is not there" in str(refused.value.__cause__)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from compliance_content",
        "update compliance_content set ciphertext = ''",
        "truncate compliance_content",
        "insert into compliance_content (event_id, key_id, ciphertext, sha256)"
        " values (gen_random_uuid(), gen_random_uuid(), '', '')",
        "delete from compliance_erased",
        "delete from compliance_hold",
        "update compliance_hold set matter = null",
        "delete from compliance_erasure",
    ],
)
def test_the_application_may_add_content_and_nothing_else(database: Any, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"permission denied|generated"),
        transaction.atomic(),
    ):
        connection.cursor().execute(statement)


@pytest.mark.parametrize("table", ["compliance_content", "compliance_erased"])
def test_the_owner_cannot_change_it_either(
    owner: Callable[..., list[tuple[Any, ...]]], table: str
) -> None:
    with pytest.raises(DatabaseError, match="the record only grows"):
        owner(f"delete from {table}")
    assert owner(f"select count(*) from {table}") == [(0,)]


def test_a_rollback_takes_content_and_event_with_the_action(
    nora: Person, superuser: Rows
) -> None:
    event_id = header.new_event_id(nora.user.created_at)
    with transaction.atomic():
        log.append(question(), context=Context(), event_id=event_id, content={"question": CANARY})
        transaction.set_rollback(True)
    for table in ("compliance_event", "compliance_content"):
        assert not superuser(f"select 1 from {table} where event_id = %s", [event_id])


@pytest.mark.parametrize("texts", [{"a part": "x"}, {"": "x"}, {"A": "x"}])
def test_a_part_is_called_by_one_word(database: Any, texts: dict[str, str]) -> None:
    with pytest.raises(NotAnEvent):
        recorded(texts)


def test_a_wall_keeps_an_auditor_from_what_it_is_around(world: World, nora: Person) -> None:
    from assistant.access.barriers import OPERATOR, Draft, raise_barrier
    from assistant.access.models import Kind

    walled = make_person("walled", "auditor")
    event_id: UUID = recorded(matter=world.matter.id)
    assert unlock(walled, event_id) == CANARY
    raise_barrier(
        Context(),
        Draft(kind=Kind.WALL, matter=world.matter.id, people=(walled.user,)),
        reason="Her brother is the other party.",
        using=OPERATOR,
    )
    assert refusal(walled, event_id) == "barred"
    assert unlock(nora, event_id) == CANARY
