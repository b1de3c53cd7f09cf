"""In a review leads confirm who is in their matter; what nobody confirmed ends when it is due."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from assistant.access import reviews
from assistant.access.errors import Missing
from assistant.access.matters import add_member
from assistant.access.models import Matter, Review, ReviewItem
from compliance.events import Context
from tests.installation import Installation
from tests.people import Person, World, make_person, make_world

Superuser = Callable[..., list[tuple[Any, ...]]]
NEXT_MONTH = timezone.now().date() + timedelta(days=30)


@pytest.fixture
def olga(database: Any) -> Person:
    return make_person("olga", "privacy_officer")


@pytest.fixture
def review(world: World, olga: Person, superuser: Superuser) -> Iterator[UUID]:
    """An open review, closed for good after the test: there is one at a time."""
    superuser("update access_review set closed_at = now() where closed_at is null")
    with olga.entered() as acting:
        review_id = reviews.open_review(acting.record, due=NEXT_MONTH).pk
    yield review_id
    superuser("update access_review set closed_at = now() where closed_at is null")


def item_of(review: UUID, world: World, person: Person, superuser: Superuser) -> int:
    ((item,),) = superuser(
        "select id from access_reviewitem where review_id = %s and matter_id = %s and user_id = %s",
        [review, world.matter.pk, person.user.pk],
    )
    return int(item)


def decide(review: UUID, item: int, by: Person, *, keep: bool) -> None:
    with by.entered() as acting:
        reviews.decide(acting.record, review, item, keep=keep)


def sees(person: Person, world: World) -> bool:
    with person.entered():
        return Matter.objects.filter(pk=world.matter.pk).exists()


def events(superuser: Superuser, world: World) -> list[str]:
    return [
        kind
        for (kind,) in superuser(
            "select type from compliance_event where matter = %s and type like 'review.%%'"
            " order by recorded_at",
            [world.matter.pk],
        )
    ]


def fall_due(review: UUID, superuser: Superuser) -> None:
    superuser(
        "update access_review set due_at = now() - interval '1 minute' where id = %s", [review]
    )


def make_lead(world: World, person: Person) -> None:
    with world.as_alice() as acting:
        add_member(acting.record, world.matter, acting.user, username=person.username, level="lead")


def test_who_is_confirmed_stays_and_who_is_not_ends_when_it_is_due(
    world: World, review: UUID, superuser: Superuser
) -> None:
    other = make_person("other")
    with world.as_alice() as acting:
        add_member(
            acting.record, world.matter, acting.user, username=other.username, level="member"
        )
    superuser(
        "update access_membership set added_at = now() - interval '1 day' where user_id = %s",
        [other.user.pk],
    )
    superuser(
        "insert into access_reviewitem (review_id, matter_id, user_id, level, decision)"
        " values (%s, %s, %s, 'member', '')",
        [review, world.matter.pk, other.user.pk],
    )
    decide(review, item_of(review, world, world.bob, superuser), world.alice, keep=True)
    fall_due(review, superuser)
    reviews.close_due()
    assert (sees(world.bob, world), sees(other, world)) == (True, False)
    assert events(superuser, world) == ["review.place_confirmed", "review.place_expired"]
    with pytest.raises(ValidationError, match="closed already"):
        reviews.close_review(Context(), review)


def test_before_it_is_due_nothing_ends_by_itself(world: World, review: UUID) -> None:
    assert reviews.close_due() == 0
    assert sees(world.bob, world)


def test_who_is_removed_is_out_at_once(world: World, review: UUID, superuser: Superuser) -> None:
    item = item_of(review, world, world.bob, superuser)
    decide(review, item, world.alice, keep=False)
    assert not sees(world.bob, world)
    assert events(superuser, world) == ["review.place_removed"]
    with pytest.raises(ValidationError, match="gone"):
        decide(review, item, world.alice, keep=True)


def test_who_is_let_in_again_after_a_removal_stays(
    world: World, review: UUID, superuser: Superuser
) -> None:
    decide(review, item_of(review, world, world.bob, superuser), world.alice, keep=False)
    with world.as_alice() as acting:
        username = world.bob.username
        add_member(acting.record, world.matter, acting.user, username=username, level="member")
    fall_due(review, superuser)
    reviews.close_due()
    assert sees(world.bob, world)


def test_a_matter_s_only_lead_stays_and_that_is_told(
    world: World, review: UUID, superuser: Superuser
) -> None:
    fall_due(review, superuser)
    reviews.close_due()
    assert sees(world.alice, world)
    told = ReviewItem.objects.using("owner").get(pk=item_of(review, world, world.alice, superuser))
    assert told.decision == "kept"


def test_of_two_leads_the_one_who_was_not_confirmed_ends(
    world: World, olga: Person, superuser: Superuser
) -> None:
    make_lead(world, world.bob)
    superuser("update access_review set closed_at = now() where closed_at is null")
    with olga.entered() as acting:
        review = reviews.open_review(acting.record, due=NEXT_MONTH).pk
    decide(review, item_of(review, world, world.bob, superuser), world.alice, keep=True)
    fall_due(review, superuser)
    reviews.close_due()
    assert (sees(world.alice, world), sees(world.bob, world)) == (False, True)


def test_nobody_decides_on_themself(world: World, review: UUID, superuser: Superuser) -> None:
    item = item_of(review, world, world.alice, superuser)
    for keep in (True, False):
        with pytest.raises(ValidationError, match=r"not yours|own place"):
            decide(review, item, world.alice, keep=keep)


def test_an_officer_confirms_a_lead_and_removes_no_last_one(
    world: World, review: UUID, olga: Person, superuser: Superuser
) -> None:
    item = item_of(review, world, world.alice, superuser)
    with pytest.raises(ValidationError, match="at least one lead"):
        decide(review, item, olga, keep=False)
    decide(review, item, olga, keep=True)
    assert sees(world.alice, world)


def test_members_and_leads_of_other_matters_find_nothing(
    world: World, review: UUID, superuser: Superuser
) -> None:
    item = item_of(review, world, world.bob, superuser)
    for who in (world.bob, world.charlie, make_world().alice):
        with pytest.raises(Missing):
            decide(review, item, who, keep=False)
    assert sees(world.bob, world)


def test_all_of_a_matter_are_confirmed_at_once(
    world: World, review: UUID, superuser: Superuser
) -> None:
    with world.as_alice() as acting:
        assert reviews.confirm_all(acting.record, review, world.matter.pk, acting.user) == 1
        assert reviews.confirm_all(acting.record, review, world.matter.pk, acting.user) == 0
        (listed,) = reviews.places_of(review, acting.user)
    assert listed.open == 0
    assert {place.person.pk: place.decision for place in listed.places} == {
        world.alice.user.pk: "",
        world.bob.user.pk: "keep",
    }
    with pytest.raises(Missing), world.bob.entered() as acting:
        reviews.confirm_all(acting.record, review, world.matter.pk, acting.user)


def test_leads_see_their_matters_and_officers_see_all(
    world: World, review: UUID, olga: Person
) -> None:
    with world.as_alice() as acting:
        assert reviews.progress_of(review).places == 2
        (mine,) = reviews.places_of(review, acting.user)
        assert mine.reference == world.matter.reference
    with olga.entered() as acting:
        assert reviews.progress_of(review).places >= 2
        assert world.matter.pk in {each.matter for each in reviews.places_of(review, olga.user)}
    with world.bob.entered(), pytest.raises(Missing):
        reviews.progress_of(review)


def test_only_officers_open_one_and_one_at_a_time(world: World, review: UUID, olga: Person) -> None:
    with pytest.raises(Missing), world.as_alice() as acting:
        reviews.open_review(acting.record, due=NEXT_MONTH)
    with pytest.raises(ValidationError, match="open already"), olga.entered() as acting:
        reviews.open_review(acting.record, due=NEXT_MONTH)
    with pytest.raises(ValidationError, match="tomorrow"), olga.entered() as acting:
        reviews.open_review(acting.record, due=timezone.now().date())


def test_only_an_officer_closes_it_before_it_is_due(
    world: World, review: UUID, olga: Person
) -> None:
    with pytest.raises(ValidationError, match="not yours"), world.as_alice() as acting:
        reviews.close_review(acting.record, review)
    with olga.entered() as acting:
        assert reviews.close_review(acting.record, review) >= 1
    assert not sees(world.bob, world)
    with pytest.raises(ValidationError, match="closed already"), olga.entered() as acting:
        reviews.close_review(acting.record, review)


def test_the_application_decides_nothing_by_hand(world: World, review: UUID) -> None:
    with pytest.raises(Exception, match="permission denied"), world.as_alice():
        with connection.cursor() as cursor:
            cursor.execute("update access_reviewitem set decision = 'keep'")
    assert not Review.objects.exists()


def test_an_officer_opens_lists_and_closes_one_by_command(
    world: World, olga: Person, installation: Installation, superuser: Superuser
) -> None:
    superuser("update access_review set closed_at = now() where closed_at is null")

    def run(*words: str) -> dict[str, Any]:
        done = installation.manage("review", *words, "--as", olga.username, "--json")
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
        return said

    opened = run("open", "--due", NEXT_MONTH.isoformat())
    assert run("list")["id"] == opened["id"]
    refused = installation.manage("review", "close", opened["id"], "--as", world.bob.username)
    assert refused.returncode == 1
    assert run("close", opened["id"])["expired"] >= 1
    assert not sees(world.bob, world)
    assert installation.manage("review", "open", "--as", olga.username).returncode == 2
