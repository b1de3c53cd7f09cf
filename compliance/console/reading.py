"""Find events for the console. Row security gives rows to readers of the record alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q

from compliance.console.filter import (
    CLOCKS,
    Filter,
    Sql,
    Who,
    about,
    first_id,
    joined,
    mentions,
    outcomes_left,
    within,
)
from compliance.console.search import NONE, Search
from compliance.events import CATALOGUE
from compliance.models import RecordedEvent

PAGE = 50
MOST_NAMED = 100_000
MANY = 5
SAME_REQUEST = timedelta(minutes=30)
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_MOST_PEOPLE = 100
_COLUMNS = (
    "event_id, recorded_at, type, actor, session, request, object, matter, outcome, header, leaf"
)


class UnknownMatter(ValueError):
    """No matter is called so, or a barrier hides it. The message is for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ends: the events that follow are older, or newer."""

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


def identifier(text: str) -> UUID | None:
    """Read an id; None when it is not one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def later_than(meant: Filter, moment: datetime) -> Filter:
    """The same filter from a moment on."""
    return replace(meant, after=max(moment, meant.after) if meant.after else moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of events, newest first, and where the older and the newer ones begin."""

    events: Sequence[RecordedEvent]
    older: Place | None
    newer: Place | None


def meant_by(search: Search) -> Filter:
    """Turn the names in a search into ids. Raises UnknownMatter."""
    wanted, unwanted = search.wanted, search.unwanted
    actions, not_actions = wanted.actions, unwanted.actions
    if len(not_actions) >= MANY and not actions:
        # What is left may be rare, and is found by name.
        actions, not_actions = _actions_but(not_actions), ()
    return Filter(
        actors=_people(wanted.actors) if wanted.actors else None,
        matters=_matters(wanted.matters) if wanted.matters else None,
        actions=actions,
        outcomes=outcomes_left(wanted.outcomes, unwanted.outcomes),
        objects=wanted.objects,
        not_actors=_people(unwanted.actors),
        not_matters=_matters(unwanted.matters),
        not_actions=not_actions,
        not_objects=unwanted.objects,
        after=max(search.after, EARLIEST) if search.after else None,
        before=min(search.before, LATEST) if search.before else None,
    )


def _actions_but(unwanted: Sequence[str]) -> tuple[str, ...]:
    """All actions there are but these: of this version, and of others as far as counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT type FROM compliance_tally WHERE span = 'day'")
        recorded = {kind for (kind,) in cursor.fetchall()}
    return tuple(sorted((recorded | set(CATALOGUE)) - set(unwanted)))


def _people(words: Iterable[str]) -> tuple[Who, ...]:
    """Everybody meant by an id, the name they sign in with, or a part of their display name."""
    condition, known = Q(pk__in=[]), list[Who]()
    for word in words:
        if word == NONE:
            known.append(None)
            continue
        try:
            known.append(UUID(word))
        except ValueError:
            condition |= Q(username__iexact=word) | Q(display_name__icontains=word)
    found = get_user_model().objects.filter(condition).values_list("public_id", flat=True)
    return (*known, *found[:_MOST_PEOPLE])


def _matters(words: Iterable[str]) -> tuple[Who, ...]:
    """Every matter meant by an id or by its reference."""
    known, references = list[Who](), list[str]()
    for word in words:
        try:
            known.append(None if word == NONE else UUID(word))
        except ValueError:
            references.append(word)
    if references:
        with connection.cursor() as cursor:
            cursor.execute("SELECT matter, reference FROM auth.matters_called(%s)", [references])
            called = cursor.fetchall()
        found = {reference.lower() for _, reference in called}
        for word in references:
            if word.lower() not in found:
                raise UnknownMatter(
                    f"No matter that you may know of is called “{word}”. Write its reference as it"
                    " stands on the file, or copy its id from an event."
                )
        known += [matter for matter, _ in called]
    return tuple(known)


def names_of(identifiers: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names of people and references of matters by id. Ids of other things are left out."""
    wanted = {identifier for identifier in identifiers if identifier}
    found = get_user_model().objects.filter(public_id__in=wanted)
    names = dict(found.values_list("public_id", "display_name"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT matter, reference FROM auth.references_of(%s)", [list(wanted)])
        return names | dict(cursor.fetchall())


def find(
    meant: Filter,
    *,
    leave_out: UUID,
    older_than: Place | None = None,
    newer_than: Place | None = None,
) -> Found:
    """A page of the events that match, without `leave_out`: the newest, or those beside a place."""
    backwards = newer_than is not None
    at = newer_than or older_than
    rows = _rows(meant, at, backwards=backwards, leave_out=leave_out)
    more, page = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        page.reverse()
    has_older, has_newer = (True, more) if backwards else (more, at is not None)
    return Found(
        events=page,
        older=_place_of(page[-1]) if page and has_older else None,
        newer=_place_of(page[0]) if page and has_newer else None,
    )


def since(meant: Filter, moment: datetime, *, leave_out: UUID) -> list[RecordedEvent]:
    """Matching events from a moment on, newest first, at most a page."""
    later = later_than(meant, moment)
    return _rows(later, None, backwards=False, leave_out=leave_out)[:PAGE]


def of_request(event: RecordedEvent) -> list[RecordedEvent]:
    """What else was recorded in the same request as an event, oldest first, at most a page."""
    if event.request is None:
        return []
    around = within(event.recorded_at - SAME_REQUEST, event.recorded_at + SAME_REQUEST)
    # People and matters are looked up by index, requests are not.
    actor = Sql("actor = %s", (event.actor,)) if event.actor else Sql("actor IS NULL")
    same = Sql("request = %s AND event_id <> %s", (event.request, event.event_id))
    where = joined([around, actor, same], " AND ")
    return _select(where, "ORDER BY recorded_at, event_id", PAGE)


def _rows(
    meant: Filter, at: Place | None, *, backwards: bool, leave_out: UUID
) -> list[RecordedEvent]:
    pieces = [about(meant), Sql("event_id <> %s", (leave_out,))]
    after, before = meant.after, meant.before
    if at is not None:
        sign = ">" if backwards else "<"
        months = "event_id >= %s" if backwards else "event_id < %s"
        edge = at.recorded_at - CLOCKS if backwards else at.recorded_at + CLOCKS
        pieces.append(Sql(months, (first_id(edge),)))
        # The first condition bounds the index; the second settles events of the same instant.
        pieces.append(
            Sql(
                f"recorded_at {sign}= %s AND (recorded_at {sign} %s OR event_id {sign} %s)",
                (at.recorded_at, at.recorded_at, at.event_id),
            )
        )
    pieces.append(within(after, before))
    during = (after, before)
    if meant.objects:
        named = mentions(meant.objects, during=during, most=MOST_NAMED)
        pieces.append(Sql(f"event_id IN ({named.text})", named.values))
    if meant.not_objects:
        named = mentions(meant.not_objects, during=during, most=MOST_NAMED)
        pieces.append(Sql(f"event_id NOT IN ({named.text})", named.values))
    order = "recorded_at, event_id" if backwards else "recorded_at DESC, event_id DESC"
    return _select(joined(pieces, " AND "), f"ORDER BY {order}", PAGE + 1)


def _select(where: Sql, order: str, most: int) -> list[RecordedEvent]:
    statement = f"SELECT {_COLUMNS} FROM compliance_event WHERE {where.text} {order} LIMIT {most}"
    return list(RecordedEvent.objects.raw(statement, where.values))


def _place_of(event: RecordedEvent) -> Place:
    return Place(recorded_at=event.recorded_at, event_id=event.event_id)
