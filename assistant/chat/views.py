"""Pages of conversations. The live part is chat.js and consumers.py; these work without them."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from assistant.access.errors import Missing
from assistant.access.purposes import ASKED, offered
from assistant.access.web import signed_in
from assistant.accounts.models import Role
from assistant.accounts.requests import Request
from assistant.chat import conversations as verbs
from assistant.chat import tasks
from assistant.chat.ask import accept_question
from assistant.chat.models import Conversation
from assistant.chat.shown import by_date, frame, turn_as_data


def _uuid(text: str | None) -> UUID | None:
    """The id, or None for an empty text; raises Missing for anything else."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Missing from error


@require_safe
@signed_in
def home(request: Request) -> HttpResponse:
    """The chat; for people without matters, where they belong."""
    if not request.session.get(ASKED) and offered(request.user):
        return redirect("purpose")
    around = frame(request, _uuid(request.GET.get("matter")))
    if not around["matters"]:
        if request.user.has_role(Role.PRIVACY_OFFICER):
            return redirect("barriers")
        if request.user.has_role(Role.AUDITOR):
            return redirect("record")
        if request.user.has_role(Role.ADMINISTRATOR):
            return redirect("people")
    return render(request, "chat/chat.html", around)


@require_safe
@signed_in
def start(request: Request) -> HttpResponse:
    """A new conversation in a matter; after a deletion, with the way back."""
    around = frame(request, _uuid(request.GET.get("matter")))
    deleted = _uuid(request.GET.get("deleted"))
    return render(request, "chat/chat.html", {**around, "deleted": deleted})


@require_safe
@signed_in
def conversation(request: Request, conversation_id: UUID) -> HttpResponse:
    """A conversation along one branch."""
    found = verbs.conversation_for(conversation_id)
    return _conversation(request, found)


def _conversation(
    request: Request, found: Conversation, *, status: int = 200, **more: Any
) -> HttpResponse:
    thread = verbs.thread(request.record, found, leaf=_uuid(request.GET.get("at")))
    context = {
        **frame(request, found.matter_id),
        "conversation": found,
        "turns": [turn_as_data(turn) for turn in thread.turns],
        "is_open": any(turn.answer.is_open for turn in thread.turns),
        "follows": thread.last_answer.id if thread.last_answer else None,
        **more,
    }
    return render(request, "chat/chat.html", context, status=status)


@require_POST
@signed_in
def ask(request: Request) -> HttpResponse:
    """A question sent as a plain form."""
    try:
        taken = accept_question(
            request.record,
            request.user,
            text=request.POST.get("text", ""),
            key=_uuid(request.POST.get("key")) or uuid4(),
            matter_id=_uuid(request.POST.get("matter")),
            conversation_id=_uuid(request.POST.get("conversation")),
            follows_id=_uuid(request.POST.get("follows")),
            uses_documents=request.POST.get("documents") == "yes",
        )
    except ValidationError as error:
        more = {"problems": error.messages, "draft": request.POST.get("text", "")}
        if within := _uuid(request.POST.get("conversation")):
            found = verbs.conversation_for(within)
            return _conversation(request, found, status=400, **more)
        around = frame(request, _uuid(request.POST.get("matter")))
        return render(request, "chat/chat.html", {**around, **more}, status=400)
    if taken.is_new:
        transaction.on_commit(lambda: tasks.wake(taken.answer.id))
    return redirect("conversation", taken.conversation.id)


@require_safe
@signed_in
def search(request: Request) -> HttpResponse:
    """The history, narrowed to conversations that hold the words; alone when a script asks."""
    words = request.GET.get("q", "")[:200]
    if request.GET.get("fragment") != "1":
        return render(request, "chat/chat.html", frame(request, None, words=words))
    context = {"history": by_date(verbs.history(request.record, search=words)), "words": words}
    return render(request, "chat/_history.html", context)


@require_POST
@signed_in
def rename(request: Request, conversation_id: UUID) -> HttpResponse:
    """Give a conversation another title."""
    found = verbs.conversation_for(conversation_id)
    try:
        verbs.rename(request.record, found, request.POST.get("title", ""))
    except ValidationError as error:
        return _conversation(request, found, status=400, problems=error.messages)
    return redirect("conversation", found.id)


@require_POST
@signed_in
def delete(request: Request, conversation_id: UUID) -> HttpResponse:
    """Take a conversation out of the history; the next page has the way to bring it back."""
    found = verbs.conversation_for(conversation_id)
    verbs.delete(request.record, found)
    query = urlencode({"matter": found.matter_id, "deleted": found.id})
    return redirect(f"{reverse('chat')}?{query}")


@require_POST
@signed_in
def restore(request: Request, conversation_id: UUID) -> HttpResponse:
    """Bring a deleted conversation back."""
    return redirect("conversation", verbs.restore(request.record, conversation_id).id)


@require_POST
@signed_in
def feedback(request: Request, answer_id: UUID) -> HttpResponse:
    """Say whether an answer helped."""
    try:
        verbs.give_feedback(
            request.record,
            request.user,
            verbs.answer_for(answer_id),
            helpful=request.POST.get("helpful") == "yes",
            reason=request.POST.get("reason", ""),
            text=request.POST.get("text", ""),
        )
    except ValidationError as error:
        return JsonResponse({"problem": " ".join(error.messages)}, status=400)
    return JsonResponse({"given": True})
