"""The audit console: what happened, for those who read the record.

`request.record` (a Context) and `request.user` are set by the caller's middleware, and a
transaction with the reader's identity is open. `assistant.urls` wraps these views in it.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compliance import log
from compliance.console import integrity, page, reading, rows, saved, suggest
from compliance.console.filter import Filter
from compliance.console.page import Asked
from compliance.console.readers import READERS, SHARED_WITH
from compliance.console.search import QUALIFIERS, Search
from compliance.console.span import RANGES
from compliance.content.locked import locked_parts
from compliance.events import Context, RecordRead
from compliance.models import RecordedEvent

PATIENCE = "10s"
"""After this long a search is given up, so that it keeps nobody else from searching."""
TOO_LONG = (
    "This search takes too long and was given up. Narrow the time range, or name a person, a"
    " matter or an action."
)
_GIVEN_UP = "57014"


class RecordRequest(HttpRequest):
    """A request as the caller's middleware leaves it."""

    record: Context


@require_safe
def record_list(request: RecordRequest) -> HttpResponse:
    """Events by search, newest first, with counts over time. Reading them is an event itself."""
    readers_only(request)
    now, values = datetime.now(UTC), asked_for(request)
    asked = page.asked(values, usual_zone=settings.TIME_ZONE)
    search = page.understood(asked, values.get("q", ""), now=now)
    problems = (*asked.problems, *search.problems)
    status, shown = 400, dict[str, Any]()
    if not problems:
        try:
            status, shown = 200, _found(request, asked, search, now)
        except reading.UnknownMatter as unknown:
            problems = (str(unknown),)
        except TooLong:
            status, problems = 503, (TOO_LONG,)
    mine, shared = saved.mine_and_shared(request.record.actor)
    context = {
        **_frame(asked, now),
        **shown,
        "problems": problems,
        "saved": mine,
        "shared": shared,
        "opened": reading.identifier(values.get("event", "")),
    }
    return render(request, "compliance/console.html", context, status=status)


@require_safe
def record_detail(request: RecordRequest, event_id: UUID) -> HttpResponse:
    """One event with everything its header says, and the header itself; `drawer` for the part."""
    readers_only(request)
    log.append(RecordRead(object=event_id), context=request.record)
    event = RecordedEvent.objects.filter(pk=event_id).first()
    if event is None:
        raise Http404
    (row,) = rows.rows([event])
    asked = page.asked(asked_for(request), usual_zone=settings.TIME_ZONE)
    context = {
        "row": row,
        "event": event,
        "zone": asked.zone.key,
        "fields": rows.shown(event.said()["fields"]),
        "header": bytes(event.header).decode(),
        "leaf": bytes(event.leaf).hex(),
        "badge": integrity.badge(datetime.now(UTC)),
        "same_request": rows.rows(reading.of_request(event)),
        "locked": locked_parts(event_id),
    }
    is_part = request.GET.get("part") == "drawer"
    name = "compliance/_event.html" if is_part else "compliance/event.html"
    return render(request, name, context)


@require_safe
def record_suggest(request: RecordRequest) -> HttpResponse:
    """What may stand after a qualifier, for somebody who types: names, references, actions."""
    readers_only(request)
    return JsonResponse({"suggestions": suggest.suggestions(request.GET.get("term", "")[:100])})


def readers_only(request: RecordRequest) -> None:
    """Others are told that there is no such page."""
    if READERS.isdisjoint(getattr(request.user, "roles", ())):
        raise Http404


def asked_for(request: HttpRequest) -> dict[str, str]:
    """The values of an address; boxes that were ticked side by side are joined by spaces."""
    return {
        key: " ".join(value for value in request.GET.getlist(key) if value.strip())
        for key in request.GET
        if any(value.strip() for value in request.GET.getlist(key))
    }


def event_of_reading(meant: Filter) -> RecordRead:
    """The event of a reading: the filter in references, so that readers can be read about."""
    return RecordRead(
        people=tuple(filter(None, meant.actors or ())),
        actions=meant.actions,
        objects=meant.objects,
        matters=tuple(filter(None, meant.matters or ())),
        outcomes=meant.outcomes or (),
        after=meant.after.isoformat() if meant.after else None,
        before=meant.before.isoformat() if meant.before else None,
        exclusions=exclusions(meant),
    )


def exclusions(meant: Filter) -> int:
    """How many values a filter keeps out."""
    kept_out = (meant.not_actors, meant.not_matters, meant.not_actions, meant.not_objects)
    return sum(len(values) for values in kept_out)


class TooLong(Exception):
    """The database gave a search up."""


def _found(request: RecordRequest, asked: Asked, search: Search, now: datetime) -> dict[str, Any]:
    """What the page shows of a search that was understood."""
    meant = reading.meant_by(search)
    read = log.append(event_of_reading(meant), context=request.record)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
            found = page.found(asked, meant, now=now, read=read)
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != _GIVEN_UP:
            raise
        raise TooLong from error
    found["rows"] = rows.rows(found["events"])
    return found


def _frame(asked: Asked, now: datetime) -> dict[str, Any]:
    """What the page shows of any search, understood or not."""
    return {
        "asked": asked,
        "zone": asked.zone.key,
        "ranges": RANGES,
        "chips": page.chips(asked),
        "columns": [(key, name, key in asked.columns) for key, name in page.COLUMNS.items()],
        "qualifiers": QUALIFIERS,
        "here": asked.address(),
        "roles": SHARED_WITH,
        "badge": integrity.badge(now),
        "filtered": bool(asked.terms),
        "wider": asked.address(
            [term for term in asked.terms if term.key not in ("after", "before")], range="all"
        ),
    }
