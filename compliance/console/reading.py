"""Find events for the record page. Row security gives rows to auditors alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from compliance.console.search import Search, Terms
from compliance.models import Mention, RecordedEvent

PAGE = 50
_MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ends: the events that follow are older."""

    recorded_at: datetime
    event_id: UUID

    def __str__(self) -> str:
        return f"{self.recorded_at.isoformat()}~{self.event_id}"


def place(text: str) -> Place | None:
    """Read a place from an address; None when it is not one, which means the newest."""
    moment, _, identifier = text.partition("~")
    try:
        found = Place(recorded_at=datetime.fromisoformat(moment), event_id=UUID(identifier))
    except ValueError:
        return None
    return found if found.recorded_at.tzinfo else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of events, newest first, and where the next one begins."""

    events: Sequence[RecordedEvent]
    older: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people that the words of a search stand for."""

    wanted: tuple[UUID, ...] | None
    unwanted: tuple[UUID, ...]


def people_in(search: Search) -> People:
    """Turn the search's actors into ids. `wanted` is None when nobody was asked for."""
    wanted = _people(search.wanted.actors) if search.wanted.actors else None
    return People(wanted=wanted, unwanted=_people(search.unwanted.actors))


def _people(words: Iterable[str]) -> tuple[UUID, ...]:
    """Everybody meant by an id, the name they sign in with, or a part of their display name."""
    condition, known = Q(pk__in=[]), []
    for word in words:
        try:
            known.append(UUID(word))
        except ValueError:
            condition |= Q(username__iexact=word) | Q(display_name__icontains=word)
    found = get_user_model().objects.filter(condition).values_list("public_id", flat=True)
    return (*known, *found[:_MOST_PEOPLE])


def names_of(identifiers: Iterable[UUID]) -> dict[UUID, str]:
    """People's names by id. Ids of other things are left out."""
    found = get_user_model().objects.filter(public_id__in=set(identifiers))
    return dict(found.values_list("public_id", "display_name"))


def find(search: Search, people: People, *, before: Place | None, leave_out: UUID) -> Found:
    """A page of the events that match, those older than `before`, without `leave_out`."""
    events = RecordedEvent.objects.exclude(event_id=leave_out)
    events = _matching(events, search.wanted, people.wanted)
    events = _not_matching(events, search.unwanted, people.unwanted)
    if search.after:
        events = events.filter(recorded_at__gte=search.after)
    if search.before:
        events = events.filter(recorded_at__lt=search.before)
    if before:
        # The first condition bounds the index; the second settles events of the same instant.
        events = events.filter(recorded_at__lte=before.recorded_at).filter(
            Q(recorded_at__lt=before.recorded_at) | Q(event_id__lt=before.event_id)
        )
    page = list(events.order_by("-recorded_at", "-event_id").defer("leaf")[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    older = Place(recorded_at=last.recorded_at, event_id=last.event_id) if last else None
    return Found(events=page[:PAGE], older=older)


def _matching(
    events: QuerySet[RecordedEvent], terms: Terms, people: tuple[UUID, ...] | None
) -> QuerySet[RecordedEvent]:
    if people is not None:
        events = events.filter(actor__in=people)
    if terms.actions:
        events = events.filter(type__in=terms.actions)
    if terms.matters:
        events = events.filter(matter__in=terms.matters)
    if terms.outcomes:
        events = events.filter(outcome__in=terms.outcomes)
    if terms.objects:
        events = events.filter(event_id__in=_mentioning(terms.objects))
    return events


def _not_matching(
    events: QuerySet[RecordedEvent], terms: Terms, people: tuple[UUID, ...]
) -> QuerySet[RecordedEvent]:
    if people:
        events = events.exclude(actor__in=people)
    if terms.actions:
        events = events.exclude(type__in=terms.actions)
    if terms.matters:
        events = events.exclude(matter__in=terms.matters)
    if terms.outcomes:
        events = events.exclude(outcome__in=terms.outcomes)
    if terms.objects:
        events = events.exclude(event_id__in=_mentioning(terms.objects))
    return events


def _mentioning(objects: tuple[UUID, ...]) -> QuerySet[Mention, UUID]:
    return Mention.objects.filter(object__in=objects).values_list("event_id", flat=True)
