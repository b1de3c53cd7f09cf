"""The one door to conversations: one's own, in matters one may still see."""

from uuid import UUID

from assistant.access.errors import Missing
from assistant.chat.models import Answer, Conversation


def conversation_for(conversation_id: UUID) -> Conversation:
    """The conversation of this id; raises Missing when there is none to see."""
    found = (
        Conversation.objects.select_related("matter")
        .filter(pk=conversation_id, deleted_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing
    return found


def answer_for(answer_id: UUID) -> Answer:
    """The answer of this id; raises Missing when there is none to see."""
    found = (
        Answer.objects.select_related("question__conversation__matter")
        .filter(pk=answer_id, question__conversation__deleted_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing
    return found
