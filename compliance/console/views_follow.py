"""Following the record as it grows: one event for its beginning, one for its end, none between."""

from datetime import UTC, datetime
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from compliance import log
from compliance.console import counting, follow, page, reading, rows
from compliance.console.filter import Filter
from compliance.console.views import RecordRequest, event_of_reading, exclusions, readers_only
from compliance.events import RecordFollowed, RecordFollowEnded

GONE = 410


@require_POST
def begin(request: RecordRequest) -> HttpResponse:
    """Record that somebody follows a search, and give them the token to go on with."""
    readers_only(request)
    query = request.POST.get("query", "")
    now = datetime.now(UTC)
    try:
        meant = _meant(query, now)
    except reading.UnknownMatter as unknown:
        return JsonResponse({"problem": str(unknown)}, status=400)
    if meant is None or request.record.actor is None:
        return JsonResponse({"problem": "This search cannot be followed."}, status=400)
    read, number = event_of_reading(meant), uuid4()
    event = log.append(
        RecordFollowed(
            object=number,
            people=read.people,
            actions=read.actions,
            objects=read.objects,
            matters=read.matters,
            outcomes=read.outcomes,
            exclusions=exclusions(meant),
        ),
        context=request.record,
    )
    began = datetime.now(UTC)
    begun = follow.Following(id=number, event=event, query=query, began=began)
    token = follow.token_of(begun, request.record.actor)
    return JsonResponse({"token": token, "seconds": int(follow.LASTS.total_seconds())})


@require_safe
def more(request: RecordRequest) -> HttpResponse:
    """What was recorded since a moment, as lines of the table. Lines may come twice."""
    readers_only(request)
    following = _following(request, request.GET.get("token", ""))
    if following is None:
        return HttpResponse("Following has ended.", status=GONE, content_type="text/plain")
    now = datetime.now(UTC)
    meant = _meant(following.query, now)
    since = reading.place(f"{request.GET.get('since', '')}~{following.id}")
    start = max(following.began, since.recorded_at if since else following.began) - follow.OVERLAP
    events = reading.since(meant, start, leave_out=following.event) if meant else []
    asked = page.asked(_values(following.query), usual_zone=settings.TIME_ZONE)
    newest = max((event.recorded_at for event in events), default=start + follow.OVERLAP)
    context = {"rows": rows.rows(events), "asked": asked, "zone": asked.zone.key, "newest": newest}
    return render(request, "compliance/_rows.html", context)


@require_POST
def end(request: RecordRequest) -> HttpResponse:
    """Record that a following has ended, and how much it may have shown."""
    readers_only(request)
    following = _following(request, request.POST.get("token", ""), ends=True)
    if following is None:
        return HttpResponse(status=GONE)
    now = datetime.now(UTC)
    meant = _meant(following.query, now)
    shown = 0
    if meant is not None:
        shown = counting.counts(reading.later_than(meant, following.began), now=now).total
    ended = RecordFollowEnded(object=following.id, shown=shown)
    log.append(ended, context=request.record)
    return HttpResponse(status=204)


def _following(
    request: RecordRequest, token: str, *, ends: bool = False
) -> follow.Following | None:
    if request.record.actor is None:
        return None
    try:
        return follow.following(token, request.record.actor, ends=ends)
    except follow.NotFollowing:
        return None


def _values(query: str) -> dict[str, str]:
    return {key: str(value) for key, value in QueryDict(query).items()}


def _meant(query: str, now: datetime) -> Filter | None:
    """The filter of a followed search; None when it is not understood."""
    asked = page.asked(_values(query), usual_zone=settings.TIME_ZONE)
    search = page.understood(asked, asked.q, now=now)
    return None if asked.problems or search.problems else reading.meant_by(search)
