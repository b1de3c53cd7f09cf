"""Access reviews: leads confirm who is in their matter, and what nobody confirmed ends when due.

    open_review -> confirm or remove, place by place -> close_review, at the latest on the due date

A review looks at the places that stand when it begins. Nobody decides on themself, and a matter
keeps a lead: a matter's only lead is confirmed by a privacy officer, or stays and is reported. The
database moves each step and checks who may (access/migrations/0007). All verbs run as the person
who is entered, but for `close_due`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import Level, Matter, Membership, Review, ReviewItem
from assistant.accounts.models import User
from compliance import log
from compliance.events import (
    Context,
    PlaceConfirmed,
    PlaceExpired,
    PlaceRemoved,
    ReviewClosed,
    ReviewOpened,
)

LONGEST_DAYS = 180
KEEP, REMOVE, EXPIRED, KEPT = "keep", "remove", "expired", "kept"
"""Decisions. The last two are the database's own when a review closes: nobody confirmed the place,
and it ended, or it stays because a matter keeps a lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A review and how far it has come, as far as the person sees it."""

    id: UUID
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    opened_by: str
    places: int
    confirmed: int
    removed: int
    expired: int
    kept: int

    @property
    def undecided(self) -> int:
        return self.places - self.confirmed - self.removed - self.expired - self.kept

    @property
    def decided(self) -> int:
        return self.places - self.undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somebody's place in a matter, to be confirmed or removed."""

    item: int
    person: User
    level: str
    decision: str
    decided_by: User | None
    is_mine: bool
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterPlaces:
    """The places of one matter in a review."""

    matter: UUID
    reference: str
    name: str
    places: Sequence[Place]

    @property
    def open(self) -> int:
        """How many the person may still decide."""
        undecided = [place for place in self.places if not place.decision]
        return sum(place.stands and not place.is_mine for place in undecided)


@transaction.atomic
def open_review(record: Context, *, due: date) -> Review:
    """Begin a review of all places in all matters, due at the end of a day (UTC).

    Raises Missing for all but privacy officers, ValidationError for a date that does not do or
    while another review is open.
    """
    if not _is_officer():
        raise Missing
    today = timezone.now().date()
    if not today < due <= today + timedelta(days=LONGEST_DAYS):
        raise ValidationError(f"Choose a day from tomorrow to {LONGEST_DAYS} days from now.")
    if Review.objects.filter(closed_at__isnull=True).exists():
        raise ValidationError("A review is open already. Close it first.")
    review_id = uuid4()
    due_at = datetime.combine(due + timedelta(days=1), time(), tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("select auth.open_review(%s, %s)", [review_id, due_at])
        (places,) = cursor.fetchone()
    opened = ReviewOpened(object=review_id, places=places, due=due.isoformat())
    log.append(opened, context=record)
    return Review.objects.get(pk=review_id)


def reviews() -> list[Progress]:
    """The reviews in which the person has something to look at, newest first."""
    # Said again: where rows are grouped, the model's own order does not count.
    found = (
        Review.objects.select_related("opened_by")
        .order_by("-opened_at")
        .annotate(
            places=Count("items"),
            confirmed=Count("items", filter=Q(items__decision=KEEP)),
            removed=Count("items", filter=Q(items__decision=REMOVE)),
            expired=Count("items", filter=Q(items__decision=EXPIRED)),
            kept=Count("items", filter=Q(items__decision=KEPT)),
        )
    )
    return [
        Progress(
            id=review.pk,
            opened_at=review.opened_at,
            due_at=review.due_at,
            closed_at=review.closed_at,
            opened_by=review.opened_by.display_name,
            places=review.places,
            confirmed=review.confirmed,
            removed=review.removed,
            expired=review.expired,
            kept=review.kept,
        )
        for review in found
    ]


def progress_of(review_id: UUID) -> Progress:
    """One of `reviews()`; raises Missing."""
    found = next((review for review in reviews() if review.id == review_id), None)
    if found is None:
        raise Missing
    return found


def places_of(review_id: UUID, user: User) -> list[MatterPlaces]:
    """The places of a review by matter: all for a privacy officer, else of matters one leads."""
    items = list(
        ReviewItem.objects.filter(review_id=review_id)
        .select_related("user", "decided_by")
        .order_by("level", "user__display_name")
    )
    named = _matters()
    standing = _standing(items)
    by_matter: dict[UUID, list[Place]] = {}
    for item in items:
        place = Place(
            item=item.pk,
            person=item.user,
            level=item.level,
            decision=item.decision,
            decided_by=item.decided_by,
            is_mine=item.user_id == user.pk,
            stands=standing is None or (item.matter_id, item.user_id) in standing,
        )
        by_matter.setdefault(item.matter_id, []).append(place)
    found = [
        MatterPlaces(matter=matter, reference=reference, name=name, places=by_matter[matter])
        for matter, (reference, name) in named.items()
        if matter in by_matter
    ]
    return sorted(found, key=lambda each: (each.reference.casefold(), each.name))


@transaction.atomic
def decide(record: Context, review_id: UUID, item_id: int, *, keep: bool) -> None:
    """Confirm a place, or end it at once.

    Raises Missing for what is not there for this person, ValidationError for one's own place, a
    place that has gone, a closed review, and the last lead of a matter.
    """
    item = _item(review_id, item_id)
    with connection.cursor() as cursor:
        cursor.execute("select auth.decide_item(%s, %s)", [item.pk, keep])
        (is_decided,) = cursor.fetchone()
    if not is_decided:
        raise ValidationError(_why_not(item, keep=keep))
    kind = PlaceConfirmed if keep else PlaceRemoved
    log.append(
        kind(object=item.user.public_id, review=review_id),
        context=replace(record, matter=item.matter_id),
    )


@transaction.atomic
def confirm_all(record: Context, review_id: UUID, matter_id: UUID, user: User) -> int:
    """Confirm whatever is undecided in a matter; returns how many. Raises Missing."""
    items = ReviewItem.objects.filter(review_id=review_id, matter_id=matter_id)
    if not items.exists():
        raise Missing
    decided = 0
    for item in items.filter(decision="").exclude(user=user).select_related("user"):
        with connection.cursor() as cursor:
            cursor.execute("select auth.decide_item(%s, true)", [item.pk])
            (is_decided,) = cursor.fetchone()
        if is_decided:
            decided += 1
            confirmed = PlaceConfirmed(object=item.user.public_id, review=review_id)
            log.append(confirmed, context=replace(record, matter=matter_id))
    return decided


@transaction.atomic
def close_review(record: Context, review_id: UUID) -> int:
    """End what was not confirmed; returns how many places. Raises ValidationError.

    Before the due date that is for privacy officers; afterwards nobody need be entered.
    """
    with connection.cursor() as cursor:
        cursor.execute("select auth.close_review(%s)", [review_id])
        (ended,) = cursor.fetchone()
    if ended is None:
        raise ValidationError("This review is closed already, or not yours to close.")
    places = json.loads(ended)
    for place in places:
        expired = PlaceExpired(object=UUID(place["person"]), review=review_id)
        log.append(expired, context=replace(record, matter=UUID(place["matter"])))
    log.append(ReviewClosed(object=review_id, expired=len(places)), context=record)
    return len(places)


def close_due() -> int:
    """Close the reviews whose due date has passed; returns how many. Needs nobody entered."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.reviews_due()")
        due = [review_id for (review_id,) in cursor.fetchall()]
    for review_id in due:
        try:
            close_review(Context(), review_id)
        except ValidationError:
            # Another process was faster.
            continue
    return len(due)


def _item(review_id: UUID, item_id: int) -> ReviewItem:
    try:
        return ReviewItem.objects.select_related("user", "review").get(
            pk=item_id, review_id=review_id
        )
    except ReviewItem.DoesNotExist as error:
        raise Missing from error


def _why_not(item: ReviewItem, *, keep: bool) -> str:
    if item.review.closed_at is not None:
        return "This review is closed."
    if not keep and item.level == Level.LEAD:
        return "A matter keeps at least one lead, and nobody decides on their own place."
    return (
        f"{item.user.display_name}'s place is not yours to decide, or it has gone since the "
        "review began."
    )


def _is_officer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select auth.has_role('privacy_officer')")
        return bool(cursor.fetchone()[0])


def _matters() -> dict[UUID, tuple[str, str]]:
    """The matters whose places the person may look at, by id: reference and name."""
    with connection.cursor() as cursor:
        cursor.execute("select id, reference, name from auth.matters_for_officer()")
        named = {matter: (reference, name) for matter, reference, name in cursor.fetchall()}
    if not named:
        named = {matter.pk: (matter.reference, matter.name) for matter in Matter.objects.all()}
    return named


def _standing(items: Sequence[ReviewItem]) -> set[tuple[UUID, int]] | None:
    """The places that still stand; None for an officer, who is in no matter and cannot tell."""
    if _is_officer():
        return None
    matters = {item.matter_id for item in items}
    found = Membership.objects.filter(matter_id__in=matters)
    return set(found.values_list("matter_id", "user_id"))
