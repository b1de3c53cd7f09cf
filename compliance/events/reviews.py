"""Events about access reviews: leads confirm who is in their matter, and what is not ends."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from compliance.shape import Event, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened(Event):
    """A review of all places in all matters began. Object: the review. `due` is a date."""

    type: ClassVar[str] = "review.opened"
    says: ClassVar[str] = "{actor} opened a review of {places} places, due on {due}"
    places: int
    due: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceConfirmed(Event):
    """In a review somebody's place in the matter was confirmed. Object: the person's account."""

    type: ClassVar[str] = "review.place_confirmed"
    says: ClassVar[str] = "{actor} confirmed the place of {object} in {matter}"
    review: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRemoved(Event):
    """In a review somebody's place in the matter was ended. Object: the person's account."""

    type: ClassVar[str] = "review.place_removed"
    says: ClassVar[str] = "{actor} ended the place of {object} in {matter} in a review"
    review: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceExpired(Event):
    """A place in the matter ended because nobody confirmed it. Object: the person's account."""

    type: ClassVar[str] = "review.place_expired"
    says: ClassVar[str] = "The place of {object} in {matter} ended: nobody confirmed it"
    review: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed(Event):
    """A review was closed, by somebody or on its due date. Object: the review."""

    type: ClassVar[str] = "review.closed"
    says: ClassVar[str] = "{actor} closed a review; {expired} places that were not confirmed ended"
    expired: int
