"""What the chat page shows: matters, history and turns, as its template and scripts take them."""

from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from assistant.access.matters import MatterSummary, my_matters
from assistant.accounts.requests import Request
from assistant.chat.conversations import Turn, history
from assistant.chat.live import stored, withheld
from assistant.chat.models import Conversation

_NAMES = ("page", "composer", "keep", "line", "pane", "turn")
MODULES = [f"assistant/js/{name}.js" for name in _NAMES]
"""Scripts the chat page is going to need, so that the browser asks for them at once."""


def frame(request: Request, matter_id: UUID | None, *, words: str = "") -> dict[str, Any]:
    """What stands around every conversation: matters, the chosen one, the history."""
    matters = my_matters(request.user)
    chosen = next((m for m in matters if m.id == matter_id), None)
    if chosen is None and matters:
        chosen = _last_used(request, matters)
    return {
        "matters": matters,
        "matter": chosen,
        "history": by_date(history(request.record, search=words)),
        "words": words,
        "limit": settings.QUESTION_CHARACTERS,
        "modules": MODULES,
    }


def _last_used(request: Request, matters: list[MatterSummary]) -> MatterSummary:
    latest = Conversation.objects.filter(deleted_at__isnull=True).first()
    return next((m for m in matters if latest and m.id == latest.matter_id), matters[0])


def by_date(found: list[Conversation]) -> list[tuple[str, list[Conversation]]]:
    """Conversations under the days that people think in."""
    today = timezone.localdate()

    def label(conversation: Conversation) -> str:
        day = timezone.localtime(conversation.updated_at).date()
        if day == today:
            return "Today"
        if day == today - timedelta(days=1):
            return "Yesterday"
        if day > today - timedelta(days=7):
            return "Last seven days"
        return day.strftime("%B %Y")

    return [(name, list(group)) for name, group in groupby(found, key=label)]


def turn_as_data(turn: Turn) -> dict[str, Any]:
    """A turn in the words of the live events, with its place among its branches."""
    verdict = None if turn.withheld else getattr(turn.answer, "feedback", None)
    return {
        **(stored(turn.answer) if not turn.withheld else withheld(turn.answer)),
        "question": str(turn.question.id),
        "asked": turn.question.text,
        "documents": turn.question.uses_documents,
        "follows": str(turn.question.follows_id or ""),
        "branches": [str(branch) for branch in turn.branches],
        "branch": turn.branch,
        "takes": [str(take) for take in turn.takes],
        "take": turn.take,
        "helpful": verdict.helpful if verdict else None,
    }
