"""Content is erased by destroying its key: by two people, unless it must be kept."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeout
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils import timezone

from assistant.accounts.identity import entered
from compliance import content, keeping, log
from compliance.content import erase, holds
from compliance.content.covered import Scope
from compliance.keyring import KeysUnavailable
from compliance.models import Erasure, Hold, RecordedEvent
from compliance.shape import NotRecorded
from tests.installation import Installation
from tests.integration.compliance.locked import CANARY, Rows, recorded, refusal, unlock
from tests.people import Person, make_person

WHY = "Request of the patient under article 17, ours 2026-77."


@pytest.fixture(scope="module")
def nora(database: Any) -> Person:
    """An auditor."""
    return make_person("nora", "auditor")


@pytest.fixture(scope="module")
def olga(database: Any) -> Person:
    """A privacy officer."""
    return make_person("olga", "privacy_officer")


def asked(by: Person, scope: Scope, target: UUID, reason: str = WHY) -> Erasure:
    with by.entered() as acting:
        return erase.ask(acting.record, scope=scope, target=target, reason=reason)


def approved(by: Person, erasure: Erasure) -> Erasure:
    with by.entered() as acting:
        return erase.approve(acting.record, erasure.id)


def carried_out(by: Person, erasure: Erasure) -> Erasure:
    with by.entered() as acting:
        return erase.carry_out(acting.record, erasure.id)


def erased(officer: Person, auditor: Person, scope: Scope, target: UUID) -> Erasure:
    erasure = asked(officer, scope, target)
    approved(auditor, erasure)
    return carried_out(auditor, erasure)


def leaves(superuser: Rows, *events: UUID) -> list[tuple[Any, ...]]:
    """Header, leaf and the ciphertext's digest of events, as they are stored."""
    return superuser(
        "select e.header, e.leaf, sha256(c.ciphertext) from compliance_event e"
        " join compliance_content c using (event_id) where e.event_id = any(%s) order by 1",
        [list(events)],
    )


def test_one_event_s_content_is_gone_and_everything_still_commits_to_it(
    olga: Person, nora: Person, superuser: Rows
) -> None:
    event_id, other = recorded(), recorded()
    before = leaves(superuser, event_id, other)
    erased(olga, nora, Scope.EVENT, event_id)
    assert refusal(nora, event_id) == "erased"
    assert unlock(nora, other) == CANARY
    assert leaves(superuser, event_id, other) == before
    for header, leaf, digest in before:
        assert hashlib.sha256(b"\0" + bytes(header)).digest() == bytes(leaf)
        assert json.loads(bytes(header))["content"] == bytes(digest).hex()
    with nora.entered():
        assert [part.is_erased for part in content.locked_parts(event_id)] == [True]


def test_a_matter_s_content_goes_and_other_matters_stay(olga: Person, nora: Person) -> None:
    matter, other = uuid4(), uuid4()
    mine = [recorded(matter=matter) for _ in range(3)]
    theirs = recorded(matter=other)
    erased(olga, nora, Scope.MATTER, matter)
    assert {refusal(nora, event_id) for event_id in mine} == {"erased"}
    assert unlock(nora, theirs) == CANARY


def test_a_person_s_content_goes_and_what_others_asked_stays(olga: Person, nora: Person) -> None:
    bob, carla = make_person("bob"), make_person("carla")
    mine, theirs = recorded(by=bob), recorded(by=carla)
    erased(olga, nora, Scope.PERSON, bob.user.public_id)
    assert refusal(nora, mine) == "erased"
    assert unlock(nora, theirs) == CANARY


def test_why_it_was_erased_and_unlocked_outlives_the_matter(olga: Person, nora: Person) -> None:
    matter = uuid4()
    unlock(nora, recorded(matter=matter))
    erased(olga, nora, Scope.MATTER, matter)
    with nora.entered():
        looks = RecordedEvent.objects.filter(matter=matter, type="content.unlocked")
        asks = RecordedEvent.objects.filter(matter=matter, type="erasure.asked")
        reasons = [(look.event_id, "Complaint") for look in looks]
        reasons += [(ask.event_id, "article 17") for ask in asks]
    assert len(reasons) == 2
    for event_id, words in reasons:
        assert words in unlock(nora, event_id, part="reason")


def test_the_certificate_says_who_what_and_how_many_and_the_event_commits_to_it(
    olga: Person, nora: Person
) -> None:
    matter = uuid4()
    events = sorted(recorded(matter=matter) for _ in range(2))
    erasure = erased(olga, nora, Scope.MATTER, matter)
    certificate = json.loads(erasure.certificate)
    assert (certificate["asked_by"], certificate["approved_by"]) == (
        str(olga.user.public_id),
        str(nora.user.public_id),
    )
    assert (certificate["events"], certificate["keys_destroyed"]) == (2, 2)
    with nora.entered():
        done = RecordedEvent.objects.get(type="erasure.done", object=erasure.id).said()["fields"]
        headers = [RecordedEvent.objects.get(pk=event_id).said() for event_id in events]
    assert done["certificate"] == hashlib.sha256(erasure.certificate.encode()).hexdigest()
    lines = "".join(f"{said['id']} {said['content']}\n" for said in headers)
    assert done["covers"] == hashlib.sha256(lines.encode()).hexdigest() == certificate["covers"]


def test_no_one_person_erases(olga: Person, nora: Person) -> None:
    event_id = recorded()
    with pytest.raises(erase.ErasureNotDone, match="Privacy officers ask"):
        asked(nora, Scope.EVENT, event_id)
    erasure = asked(olga, Scope.EVENT, event_id)
    with pytest.raises(erase.ErasureNotDone, match="approved by an auditor"):
        approved(olga, erasure)
    with pytest.raises(erase.ErasureNotDone, match="not been approved"):
        carried_out(nora, erasure)
    # Neither do they with SQL of their own.
    with olga.entered():
        assert not Erasure.objects.filter(pk=erasure.id).update(
            approved_by=olga.user.public_id, approved_at=timezone.now()
        )
    other = make_person("nils", "auditor")
    approved(nora, erasure)
    with pytest.raises(erase.ErasureNotDone, match="Another auditor approves it anew"):
        carried_out(other, erasure)
    assert unlock(nora, event_id) == CANARY


def test_somebody_without_a_role_in_it_does_not_even_see_it(olga: Person, nora: Person) -> None:
    erasure = asked(olga, Scope.EVENT, recorded())
    with pytest.raises(erase.ErasureNotDone, match="not yours to see"):
        approved(make_person("bob"), erasure)


def test_a_refused_erasure_is_on_record(olga: Person, nora: Person, superuser: Rows) -> None:
    event_id = recorded()
    with pytest.raises(erase.ErasureNotDone):
        asked(nora, Scope.EVENT, event_id)
    found = superuser(
        "select actor, outcome from compliance_event where type = 'erasure.refused' and event_id in"
        " (select event_id from compliance_mention where object = %s)",
        [event_id],
    )
    assert found == [(nora.user.public_id, "refused")]


@pytest.mark.parametrize("reason", ["", "please", " " * 30])
def test_an_erasure_has_a_written_reason(olga: Person, reason: str) -> None:
    with pytest.raises(ValidationError):
        asked(olga, Scope.EVENT, recorded(), reason=reason)


@pytest.fixture
def held(olga: Person) -> Iterator[list[Hold]]:
    """Holds of one test, lifted afterwards: one over a span of time would keep other tests'."""
    placed: list[Hold] = []
    yield placed
    for hold in placed:
        with olga.entered() as acting:
            holds.lift(acting.record, hold.id, reason="The test that placed it is over.")


def place(by: Person, held: list[Hold], **what: Any) -> Hold:
    with by.entered() as acting:
        hold = holds.place(acting.record, reference="LIT-2026-14", reason=WHY, **what)
    held.append(hold)
    return hold


@pytest.mark.parametrize("kind", ["matter", "person", "span"])
def test_what_is_held_is_not_erased_until_the_hold_is_lifted(
    olga: Person, nora: Person, held: list[Hold], kind: str
) -> None:
    bob, matter = make_person("bob"), uuid4()
    event_id = recorded(by=bob, matter=matter)
    now = timezone.now()
    what: dict[str, dict[str, Any]] = {
        "matter": {"matter": matter},
        "person": {"person": bob.user.public_id},
        "span": {"since": now - timedelta(seconds=5), "until": now + timedelta(seconds=5)},
    }
    hold = place(olga, held, **what[kind])
    for scope, target in ((Scope.EVENT, event_id), (Scope.PERSON, bob.user.public_id)):
        with pytest.raises(erase.ErasureNotDone, match="LIT-2026-14"):
            asked(olga, scope, target)
    held.remove(hold)
    with olga.entered() as acting:
        holds.lift(acting.record, hold.id, reason="The case was settled on Monday.")
    erased(olga, nora, Scope.EVENT, event_id)
    assert refusal(nora, event_id) == "erased"


def test_a_hold_keeps_nothing_but_what_it_names(
    olga: Person, nora: Person, held: list[Hold]
) -> None:
    place(olga, held, matter=uuid4())
    yesterday = timezone.now() - timedelta(days=1)
    place(olga, held, since=yesterday - timedelta(days=1), until=yesterday)
    event_id = recorded(matter=uuid4())
    erased(olga, nora, Scope.EVENT, event_id)
    assert refusal(nora, event_id) == "erased"


def test_a_hold_that_comes_after_the_approval_still_keeps_it(
    olga: Person, nora: Person, held: list[Hold]
) -> None:
    matter = uuid4()
    event_id = recorded(matter=matter)
    erasure = asked(olga, Scope.EVENT, event_id)
    approved(nora, erasure)
    place(olga, held, matter=matter)
    with pytest.raises(erase.ErasureNotDone, match="LIT-2026-14"):
        carried_out(nora, erasure)
    assert unlock(nora, event_id) == CANARY


def test_a_hold_and_an_erasure_wait_for_each_other(
    olga: Person, nora: Person, held: list[Hold], monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = recorded()
    erasure = asked(olga, Scope.EVENT, event_id)
    approved(nora, erasure)
    store = keeping.key_ring().store
    destroy, destroying, go_on = store.destroy, Event(), Event()

    def slowly(key_ids: Iterable[UUID]) -> int:
        destroying.set()
        assert go_on.wait(20)
        return destroy(key_ids)

    monkeypatch.setattr(store, "destroy", slowly)
    with ThreadPoolExecutor() as threads:
        erasing = threads.submit(_alone, carried_out, nora, erasure)
        assert destroying.wait(20)
        placing = threads.submit(_alone, place, olga, held, since=erasure.asked_at)
        # It is not placed while keys go that it would have kept.
        with pytest.raises(FuturesTimeout):
            placing.result(0.5)
        go_on.set()
        erasing.result(20)
        placing.result(20)
    assert refusal(nora, event_id) == "erased"


def _alone(work: Any, *values: Any, **named: Any) -> Any:
    """Work of a thread, which gives its connections back."""
    try:
        return work(*values, **named)
    finally:
        connections.close_all()


def test_officers_alone_place_holds_and_lift_them(
    olga: Person, nora: Person, held: list[Hold]
) -> None:
    with pytest.raises(Exception, match="row-level security"):
        place(nora, held, matter=uuid4())
    hold = place(olga, held, matter=uuid4())
    with pytest.raises(holds.NoSuchHold), nora.entered() as acting:
        holds.lift(acting.record, hold.id, reason="It stands in my way.")
    with make_person("bob").entered():
        assert holds.holds() == []
    with nora.entered():
        assert hold.id in [found.id for found in holds.holds()]


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"matter": uuid4(), "reference": " "},
        {"since": datetime.fromisoformat("2026-02-01T00:00+00:00"),
         "until": datetime.fromisoformat("2026-01-01T00:00+00:00")},
    ],
)
def test_a_hold_says_what_it_keeps(olga: Person, what: dict[str, Any]) -> None:
    with pytest.raises(ValidationError), olga.entered() as acting:
        holds.place(acting.record, **({"reference": "LIT-1", "reason": WHY} | what))


def test_a_duty_to_keep_stands_against_erasing(
    olga: Person, nora: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = recorded()
    monkeypatch.setattr(settings, "CONTENT_DAYS", 183)
    with pytest.raises(erase.ErasureNotDone, match="duty to keep runs until"):
        asked(olga, Scope.EVENT, event_id)
    monkeypatch.setattr(settings, "CONTENT_DAYS", 0)
    erasure = asked(olga, Scope.EVENT, event_id)
    monkeypatch.setattr(settings, "CONTENT_DAYS", 1)
    with pytest.raises(erase.ErasureNotDone, match="duty to keep"):
        approved(nora, erasure)


def test_a_crash_after_the_keys_went_is_made_good_by_doing_it_again(
    olga: Person, nora: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = recorded()
    erasure = asked(olga, Scope.EVENT, event_id)
    approved(nora, erasure)
    with nora.acting() as acting, monkeypatch.context() as broken:
        broken.setattr(log, "append", _fail)
        with pytest.raises(NotRecorded), entered(acting.token):
            erase.carry_out(acting.record, erasure.id)
    assert refusal(nora, event_id) == "erased"
    with nora.entered():
        assert erasure.id in [waits.id for waits in erase.waiting()]
    done = json.loads(carried_out(nora, erasure).certificate)
    assert (done["events"], done["keys_destroyed"], done["keys_gone_before"]) == (1, 0, 1)
    assert refusal(nora, event_id) == "erased"


def _fail(*_: Any, **__: Any) -> UUID:
    raise NotRecorded("the database went away")


def test_without_its_key_store_nothing_is_called_erased(
    olga: Person, nora: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = recorded()
    erasure = asked(olga, Scope.EVENT, event_id)
    approved(nora, erasure)
    folder = keeping.key_ring().store.folder
    away = folder.with_name("keys-away")
    # A file where the folder was: the disk of the key store is not mounted.
    folder.rename(away)
    folder.touch()
    try:
        with pytest.raises(KeysUnavailable):
            carried_out(nora, erasure)
    finally:
        folder.unlink()
        away.rename(folder)
    with nora.entered():
        assert Erasure.objects.get(pk=erasure.id).done_at is None
    carried_out(nora, erasure)
    assert refusal(nora, event_id) == "erased"


def test_without_a_key_nothing_is_recorded_and_nothing_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, superuser: Rows
) -> None:
    from compliance.events import Context
    from compliance.keyring import KeyStore, Ring
    from tests.integration.compliance.locked import question

    blocked = tmp_path / "keys"
    blocked.touch()
    monkeypatch.setattr(keeping, "key_ring", lambda: Ring(KeyStore(blocked, "s" * 32)))
    asked_of, before = question(), superuser("select count(*) from compliance_content")
    with transaction.atomic():
        with pytest.raises(NotRecorded, match="was not done"):
            log.append(asked_of, context=Context(), content={"question": CANARY})
        assert transaction.get_rollback()
    assert superuser("select count(*) from compliance_content") == before


def test_an_operator_erases_by_command_for_two_people(
    installation: Installation, olga: Person, nora: Person
) -> None:
    event_id = recorded()
    words = ("audit", "erase", "--event", str(event_id), "--reason", WHY, "--as", olga.username)
    first = installation.manage(*words, "--json")
    assert first.returncode == 0, first.stderr
    erasure = json.loads(first.stdout)
    assert erasure["state"] == "asked"
    refused = installation.manage(
        "audit", "erase", "--approve", erasure["erasure"], "--as", olga.username
    )
    assert (refused.returncode, "by an auditor" in refused.stderr) == (1, True)
    done = installation.manage(
        "audit", "erase", "--approve", erasure["erasure"], "--as", nora.username, "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["certificate"]["keys_destroyed"] == 1
    assert refusal(nora, event_id) == "erased"


def test_an_operator_holds_by_command(
    installation: Installation, olga: Person, nora: Person
) -> None:
    matter = uuid4()
    event_id = recorded(matter=matter)
    placed = installation.manage(
        *("audit", "hold", "place", "--reference", "LIT-9", "--reason", WHY),
        *("--matter", str(matter), "--as", olga.username, "--json"),
    )
    assert placed.returncode == 0, placed.stderr
    refused = installation.manage(
        *("audit", "erase", "--matter", str(matter), "--reason", WHY),
        *("--as", olga.username, "--approved-by", nora.username),
    )
    assert (refused.returncode, "LIT-9" in refused.stderr) == (1, True), refused.stderr
    assert unlock(nora, event_id) == CANARY
    wrong = installation.manage("audit", "erase", "--reason", WHY, "--as", olga.username)
    assert wrong.returncode == 2
