"""The record page: what happened, for auditors.

`request.record` (a Context) and `request.user` are set by the caller's middleware, and a
transaction with the auditor's identity is open. `assistant.urls` wraps these views in it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compliance import log
from compliance.console import reading, search
from compliance.console.describe import Told, sentence
from compliance.events import CATALOGUE, Context, Outcome, RecordRead
from compliance.models import RecordedEvent

AUDITOR = "auditor"


class RecordRequest(HttpRequest):
    """A request as the caller's middleware leaves it."""

    record: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event as a line of the table."""

    event: RecordedEvent
    sentence: str
    actor_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """A field of an event for the page: one value, or the lines of several."""

    name: str
    value: str
    parts: list[str]


@require_safe
def record_list(request: RecordRequest) -> HttpResponse:
    """Events, newest first, by filter. Reading them is an event itself."""
    _auditors_only(request)
    asked = {key: str(value) for key, value in request.GET.items() if str(value).strip()}
    zone, problem = _zone(asked.get("zone", settings.TIME_ZONE))
    looked_for = search.parse(asked.get("q", ""), asked, zone=zone)
    problems = (*problem, *looked_for.problems)
    page: dict[str, Any] = {
        "asked": asked,
        "zone": zone.key,
        "problems": problems,
        "actions": sorted(CATALOGUE),
        "outcomes": list(Outcome),
    }
    if not problems:
        page |= _found(request, looked_for, asked)
    return render(request, "compliance/record_list.html", page, status=400 if problems else 200)


@require_safe
def record_detail(request: RecordRequest, event_id: UUID) -> HttpResponse:
    """One event with everything its header says, and the header itself."""
    _auditors_only(request)
    log.append(RecordRead(object=event_id), context=request.record)
    event = RecordedEvent.objects.filter(pk=event_id).first()
    if event is None:
        raise Http404
    (row,) = _rows([event])
    page = {
        "row": row,
        "event": event,
        "fields": [_shown(name, value) for name, value in event.said()["fields"].items()],
        "header": bytes(event.header).decode(),
        "leaf": bytes(event.leaf).hex(),
    }
    return render(request, "compliance/record_event.html", page)


def _auditors_only(request: RecordRequest) -> None:
    """Others are told that there is no such page."""
    if AUDITOR not in getattr(request.user, "roles", ()):
        raise Http404


def _zone(name: str) -> tuple[ZoneInfo, tuple[str, ...]]:
    try:
        return ZoneInfo(name), ()
    except (KeyError, ValueError, OSError):
        problem = f"There is no time zone “{name}”. Write one like Europe/Paris or UTC."
        return ZoneInfo("UTC"), (problem,)


def _found(
    request: RecordRequest, looked_for: search.Search, asked: dict[str, str]
) -> dict[str, Any]:
    """What the page shows of a search that was understood."""
    people = reading.people_in(looked_for)
    read = log.append(_reading(looked_for, people), context=request.record)
    before = reading.place(asked.get("older", ""))
    found = reading.find(looked_for, people, before=before, leave_out=read)
    kept = {key: value for key, value in asked.items() if key != "older"}
    return {
        "rows": _rows(found.events),
        "newest": urlencode(kept) if before else None,
        "older": urlencode(kept | {"older": str(found.older)}) if found.older else None,
        "filtered": bool(set(kept) - {"zone"}),
    }


def _reading(looked_for: search.Search, people: reading.People) -> RecordRead:
    """The event of this reading: the filter in references, so that readers can be read about."""
    wanted = looked_for.wanted
    return RecordRead(
        people=people.wanted or (),
        actions=wanted.actions,
        objects=wanted.objects,
        matters=wanted.matters,
        outcomes=wanted.outcomes,
        after=looked_for.after.isoformat() if looked_for.after else None,
        before=looked_for.before.isoformat() if looked_for.before else None,
        exclusions=looked_for.unwanted.count(),
    )


def _rows(events: Any) -> list[Row]:
    people = {event.actor for event in events} | {event.object for event in events}
    names = reading.names_of(people - {None})
    return [
        Row(
            event=event,
            sentence=sentence(_told(event), names),
            actor_name=names.get(event.actor, ""),
        )
        for event in events
    ]


def _shown(name: str, value: Any) -> ShownField:
    if value is None:
        return ShownField(name=name, value="none", parts=[])
    if not isinstance(value, list):
        return ShownField(name=name, value=str(value), parts=[])
    parts = [
        ", ".join(f"{key} {kept}" for key, kept in part.items())
        if isinstance(part, dict)
        else str(part)
        for part in value
    ]
    return ShownField(name=name, value="none", parts=parts)


def _told(event: RecordedEvent) -> Told:
    return Told(
        type=event.type,
        actor=event.actor,
        object=event.object,
        matter=event.matter,
        fields=event.said()["fields"],
    )
