"""Break-glass opens one matter or document for an hour at most, and nobody opens it alone."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from assistant.access import emergencies
from assistant.access.errors import Missing
from assistant.access.matters import matter_for
from assistant.access.models import Emergency, Matter
from assistant.documents.models import Document
from compliance import log
from compliance.commitment import Commitment, opens
from compliance.events import DocumentOpened
from tests.glass import TEXT, approve, ask, let_in_emergencies, let_time_pass, proved
from tests.installation import Installation
from tests.people import Person, World, make_person, make_world
from tests.samples import LEASE, WARFARIN

Superuser = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def olga(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


@pytest.fixture
def petra(database: Any) -> Person:
    return make_person("petra", "privacy_officer")


def sees(person: Person, world: World) -> bool:
    with person.entered():
        return Matter.objects.filter(pk=world.matter.pk).exists()


def titles(person: Person) -> set[str]:
    with person.entered():
        return set(Document.objects.values_list("title", flat=True))


def events(superuser: Superuser, emergency: Emergency) -> list[str]:
    return [
        kind
        for (kind,) in superuser(
            "select e.type from compliance_event e join compliance_mention m using (event_id)"
            " where m.object = %s order by e.recorded_at, e.event_id",
            [emergency.pk],
        )
    ]


def wall(world: World, person: Person, superuser: Superuser) -> None:
    (barrier,) = superuser(
        "insert into access_barrier (id, kind, matter_id, names, reason, reason_nonce, raised_at,"
        " lift_reason, lift_nonce) values (gen_random_uuid(), 'wall', %s, '{}', '', '', now(), '',"
        " '') returning id",
        [world.matter.id],
    )
    superuser(
        "insert into access_barriersubject (barrier_id, user_id) values (%s, %s)",
        [barrier[0], person.user.pk],
    )


def test_an_approved_request_opens_the_matter_and_nothing_before_it(
    world: World, olga: Person, superuser: Superuser
) -> None:
    world.add("lease.md", LEASE)
    asked = ask(world, world.charlie)
    assert not sees(world.charlie, world)
    approve(asked, olga)
    assert sees(world.charlie, world)
    assert titles(world.charlie) == {"lease.md"}
    assert events(superuser, asked) == ["emergency.asked", "emergency.approved"]


def test_a_lead_of_the_matter_may_approve_and_a_member_may_not(
    world: World, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    with pytest.raises(Missing):
        approve(asked, world.bob)
    approve(asked, world.alice)
    assert sees(world.charlie, world)


def test_nobody_approves_their_own(world: World, olga: Person, superuser: Superuser) -> None:
    asked = ask(world, olga)
    with pytest.raises(ValidationError, match="not yours"):
        approve(asked, olga)
    assert not sees(olga, world)


def test_one_decision_is_made_once(
    world: World, olga: Person, petra: Person, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    with olga.entered() as acting:
        emergencies.refuse(acting.record, emergencies.emergency_for(asked.pk))
    with pytest.raises(ValidationError, match="already"):
        approve(asked, petra)
    assert not sees(world.charlie, world)
    assert events(superuser, asked) == ["emergency.asked", "emergency.refused"]


def test_a_request_that_nobody_answers_lapses(
    world: World, olga: Person, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    let_time_pass(asked, minutes=24 * 60 + 1)
    with pytest.raises(ValidationError, match="lapsed"):
        approve(asked, olga)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"minutes": 61}, "1 to 60"),
        ({"minutes": 0}, "1 to 60"),
        ({"text": "Needed it now.     "}, "20 characters"),
        ({"why": "curiosity"}, "reason"),
    ],
)
def test_a_request_says_why_and_for_how_long(
    changed: dict[str, Any], words: str, world: World, superuser: Superuser
) -> None:
    with pytest.raises(ValidationError, match=words):
        ask(world, world.charlie, **changed)


def test_it_needs_the_second_factor_again(world: World, superuser: Superuser) -> None:
    asked: dict[str, Any] = {"why": "safety", "text": TEXT, "minutes": 5}
    asked["matter"] = world.matter.reference
    with pytest.raises(ValidationError, match="second factor"):
        with proved(world.charlie, minutes_ago=6) as acting:
            emergencies.ask(acting.record, **asked)
    with pytest.raises(ValidationError, match="second factor"):
        with world.charlie.entered() as acting:
            emergencies.ask(acting.record, **asked)


def test_injected_sql_opens_nothing_without_the_second_factor(
    world: World, superuser: Superuser
) -> None:
    let_in_emergencies(world)
    with world.charlie.entered(), connection.cursor() as cursor:
        cursor.execute(
            "select auth.ask_emergency(gen_random_uuid(), %s, null, 'safety', 'x', '', 60, true)",
            [world.matter.reference],
        )
        assert cursor.fetchone() == (None,)
    assert not sees(world.charlie, world)


@pytest.mark.parametrize(
    "statement",
    [
        "update access_emergency set expires_at = now() + interval '1 day'",
        "delete from access_emergency",
        "insert into access_emergency (id) values (gen_random_uuid())",
        "select auth.emergency_groups(1)",
    ],
)
def test_the_application_moves_no_emergency_by_hand(
    statement: str, world: World, superuser: Superuser
) -> None:
    ask(world, world.charlie)
    with pytest.raises(DatabaseError, match="denied"), world.charlie.entered():
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_asker_is_told_the_same_whatever_stands_in_the_way(
    world: World, superuser: Superuser
) -> None:
    other = make_world()
    document = other.add("warfarin.md", WARFARIN).document_id
    wall(world, world.charlie, superuser)
    for named in (
        {"matter": "no such matter"},
        {"matter": world.matter.reference},
        {"matter": other.matter.reference, "document": uuid4()},
        {"matter": make_world().matter.reference, "document": document},
    ):
        with pytest.raises(Missing):
            ask(world, world.charlie, **named)
    assert superuser(
        "select count(*) from compliance_event where type = 'access.denied' and actor = %s",
        [world.charlie.user.public_id],
    ) == [(4,)]


def test_an_administrator_asks_for_nothing(world: World, superuser: Superuser) -> None:
    with pytest.raises(Missing):
        ask(world, make_person("ada", "administrator"))


def test_a_wall_raised_while_it_waits_keeps_it_closed(
    world: World, olga: Person, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    wall(world, world.charlie, superuser)
    with pytest.raises(ValidationError, match="barrier"):
        approve(asked, olga)
    assert not sees(world.charlie, world)


def test_a_wall_raised_while_it_is_open_closes_it(
    world: World, olga: Person, superuser: Superuser
) -> None:
    approve(ask(world, world.charlie), olga)
    assert sees(world.charlie, world)
    wall(world, world.charlie, superuser)
    assert not sees(world.charlie, world)


def test_it_opens_at_once_where_the_policy_and_the_asker_say_so(
    world: World, olga: Person, superuser: Superuser
) -> None:
    ask(world, world.charlie, urgent=True)
    assert not sees(world.charlie, world)
    let_in_emergencies(world)
    ask(world, world.charlie)
    assert not sees(world.charlie, world)
    asked = ask(world, world.charlie, urgent=True)
    assert sees(world.charlie, world)
    assert asked.approve_by is not None
    with olga.entered() as acting:
        emergencies.refuse(acting.record, emergencies.emergency_for(asked.pk))
    assert not sees(world.charlie, world)


def test_what_opened_at_once_and_was_never_approved_is_told(
    world: World, superuser: Superuser
) -> None:
    let_in_emergencies(world)
    asked = ask(world, world.charlie, urgent=True)
    let_time_pass(asked, minutes=24 * 60 + 1)
    emergencies.settle()
    emergencies.settle()
    assert events(superuser, asked) == [
        "emergency.asked",
        "emergency.overdue",
        "emergency.ended",
    ]


def test_one_document_opens_alone(world: World, olga: Person, superuser: Superuser) -> None:
    world.add("lease.md", LEASE)
    wanted = world.add("warfarin.md", WARFARIN).document_id
    approve(ask(world, world.charlie, document=wanted), olga)
    assert titles(world.charlie) == {"warfarin.md"}


def test_it_ends_by_the_clock_and_the_end_is_recorded_once(
    world: World, olga: Person, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie, minutes=10)
    approve(asked, olga)
    let_time_pass(asked, minutes=11)
    assert not sees(world.charlie, world)
    emergencies.settle()
    emergencies.settle()
    assert events(superuser, asked).count("emergency.ended") == 1


def test_it_is_ended_early_by_its_asker_and_by_whoever_decides(
    world: World, olga: Person, superuser: Superuser
) -> None:
    for who in (world.charlie, olga, world.alice):
        asked = ask(world, world.charlie)
        approve(asked, olga)
        assert sees(world.charlie, world)
        with who.entered() as acting:
            emergencies.end(acting.record, emergencies.emergency_for(asked.pk))
        assert not sees(world.charlie, world)
        emergencies.settle()
        assert events(superuser, asked).count("emergency.ended") == 1
    with pytest.raises(ValidationError, match="not open"), olga.entered() as acting:
        emergencies.end(acting.record, emergencies.emergency_for(asked.pk))


def test_it_is_reviewed_by_somebody_else_and_only_afterwards(
    world: World, olga: Person, petra: Person, superuser: Superuser
) -> None:
    asked = ask(world, petra)
    approve(asked, olga)

    def review(by: Person) -> None:
        with by.entered() as acting:
            found = emergencies.emergency_for(asked.pk)
            emergencies.review(acting.record, found, verdict="justified", text=TEXT)

    third = make_person("third", "privacy_officer")
    with pytest.raises(ValidationError, match="not yours"):
        review(third)
    with petra.entered() as acting:
        emergencies.end(acting.record, emergencies.emergency_for(asked.pk))
    for who in (petra, olga, world.alice):
        with pytest.raises(ValidationError, match="not yours"):
            review(who)
    review(third)
    with pytest.raises(ValidationError, match="not yours"):
        review(third)
    assert events(superuser, asked)[-1] == "emergency.reviewed"


def test_what_is_read_under_it_says_so_in_the_record(
    world: World, olga: Person, superuser: Superuser
) -> None:
    document = world.add("lease.md", LEASE)

    def open_it(person: Person) -> UUID:
        with person.entered() as acting:
            matter_for(world.matter.id)
            opened = DocumentOpened(object=document.document_id, version=document.id, page=1)
            record = replace(acting.record, matter=world.matter.id)
            return log.append(opened, context=record)

    asked = ask(world, world.charlie)
    approve(asked, olga)
    under, without = open_it(world.charlie), open_it(world.bob)
    said = {
        event_id: json.loads(bytes(header))
        for event_id, header in superuser(
            "select event_id, header from compliance_event where event_id = any (%s)",
            [[under, without]],
        )
    }
    assert said[under]["emergency"] == str(asked.pk)
    assert "emergency" not in said[without]
    with olga.entered():
        (seen,) = emergencies.read_under(emergencies.emergency_for(asked.pk))
    assert (seen.type, seen.object) == ("document.opened", document.document_id)
    assert seen.fields["page"] == 1
    with world.alice.entered():
        assert emergencies.read_under(emergencies.emergency_for(asked.pk)) == []


def test_break_glass_reads_and_changes_no_document(
    world: World, olga: Person, superuser: Superuser
) -> None:
    world.add("lease.md", LEASE)
    approve(ask(world, world.charlie), olga)
    with world.charlie.entered():
        assert Document.objects.update(title="Changed") == 0
        assert Document.objects.filter(title="lease.md").delete()[0] == 0
    with pytest.raises(DatabaseError, match="row-level security"):
        world.upload("note.md", "A note of mine.", by=world.charlie)


def test_reasons_are_kept_as_text_and_recorded_as_commitments(
    world: World, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    ((text, nonce),) = superuser(
        "select text, text_nonce from access_emergency where id = %s", [asked.pk]
    )
    ((header,),) = superuser(
        "select header from compliance_event where object = %s and type = 'emergency.asked'",
        [asked.pk],
    )
    assert text == TEXT
    assert TEXT.encode() not in bytes(header)
    digest = json.loads(bytes(header))["fields"]["reason"]
    assert opens(Commitment(nonce=bytes(nonce), digest=digest), text)


def test_strangers_see_no_request(world: World, superuser: Superuser) -> None:
    asked = ask(world, world.charlie)
    for who in (world.bob, make_person("otto", "auditor"), make_person("ada", "administrator")):
        with pytest.raises(Missing), who.entered():
            emergencies.emergency_for(asked.pk)
    with transaction.atomic():
        assert not Emergency.objects.exists()


def test_the_operator_lists_what_is_open_and_ends_it(
    world: World, olga: Person, superuser: Superuser, installation: Installation
) -> None:
    asked = ask(world, world.charlie)
    approve(asked, olga)
    listed = installation.manage("break-glass", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    (mine,) = [
        line for line in map(json.loads, listed.stdout.splitlines()) if line["id"] == str(asked.pk)
    ]
    assert (mine["state"], mine["person"]) == ("open", world.charlie.username)
    assert TEXT not in listed.stdout
    end = ("break-glass", "end", str(asked.pk), "--by", olga.username, "--json")
    done, again = installation.manage(*end), installation.manage(*end)
    assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "ended"), done.stderr
    assert (again.returncode, again.stdout) == (1, "")
    assert not sees(world.charlie, world)
    assert events(superuser, asked)[-1] == "emergency.ended"


def test_the_worker_puts_the_end_on_record_by_itself(
    world: World, olga: Person, superuser: Superuser
) -> None:
    asked = ask(world, world.charlie)
    approve(asked, olga)
    let_time_pass(asked, minutes=31)
    give_up_at = time.monotonic() + 10
    while "emergency.ended" not in events(superuser, asked):
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
