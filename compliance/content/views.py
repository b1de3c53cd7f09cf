"""The page that unlocks one part of an event's content: a form for the reason, then the text.

`prove` is the caller's: it lets a request pass whose person has just confirmed who they are, and
else sends them to do so. The verb asks the database the same again.
"""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from compliance import log
from compliance.console.describe import Told, sentence
from compliance.console.reading import names_of
from compliance.console.views import RecordRequest
from compliance.content.locked import locked_parts
from compliance.content.reasons import FEWEST_CHARACTERS, MOST_CHARACTERS
from compliance.content.unlock import READERS, Person, UnlockRefused, Why, unlock
from compliance.events import RecordRead
from compliance.models import RecordedEvent

Prove = Callable[[RecordRequest], None]

_NO_SUCH_PAGE = frozenset({Why.WRONG_ROLE, Why.MISSING, Why.NO_SUCH_PART})


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True)
@sensitive_variables("text")
def unlock_part(
    request: RecordRequest, event_id: UUID, part: str, *, prove: Prove
) -> HttpResponse:
    """Ask why, and show one part of an event's content to whoever may read it and says why."""
    if request.method != "POST":
        return _form(request, event_id, part)
    reason = request.POST.get("reason", "")
    # A reason that says too little is refused, on record, before anybody looks for their phone.
    if len(reason.strip()) >= FEWEST_CHARACTERS and not READERS.isdisjoint(_roles(request)):
        prove(request)
    try:
        text = unlock(request.record, cast(Person, request.user), event_id, part, reason)
    except UnlockRefused as refused:
        if refused.why in _NO_SUCH_PAGE:
            raise Http404 from refused
        return _form(request, event_id, part, problem=str(refused), reason=reason, status=400)
    return _page(request, event_id, part, text=text)


def _form(
    request: RecordRequest, event_id: UUID, part: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The form. That the event is looked at is recorded first, as on its own page."""
    if READERS.isdisjoint(_roles(request)):
        raise Http404
    if request.method != "POST":
        log.append(RecordRead(object=event_id), context=request.record)
    return _page(request, event_id, part, status=status, **more)


def _page(
    request: RecordRequest, event_id: UUID, part: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    event = RecordedEvent.objects.filter(pk=event_id).first()
    parts = locked_parts(event_id)
    wanted = next((found for found in parts if found.name == part), None)
    if event is None or wanted is None:
        raise Http404
    page = {
        "event": event,
        "sentence": _sentence(event),
        "part": wanted,
        "others": [other for other in parts if other is not wanted],
        "fewest": FEWEST_CHARACTERS,
        "most": MOST_CHARACTERS,
        **more,
    }
    return render(request, "compliance/unlock.html", page, status=status)


def _roles(request: RecordRequest) -> list[str]:
    roles: list[str] = getattr(request.user, "roles", [])
    return roles


def _sentence(event: RecordedEvent) -> str:
    told = Told(
        type=event.type,
        actor=event.actor,
        object=event.object,
        matter=event.matter,
        fields=event.said()["fields"],
    )
    return sentence(told, names_of((event.actor, event.object, event.matter)))
