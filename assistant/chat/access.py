"""The one door to conversations: one's own, in matters one may still see.

An answer is shown for as long as every document it rests on may be read. What was asked after it
may repeat it, and so may a conversation's title: they are withheld with it.
"""

from uuid import UUID

from django.db import connection

from assistant.access.errors import Missing
from assistant.chat.models import Answer, Conversation

HIDDEN_TITLE = "A conversation of which something is withheld"


def conversation_for(conversation_id: UUID) -> Conversation:
    """The conversation of this id; raises Missing when there is none to see."""
    found = (
        Conversation.objects.select_related("matter")
        .filter(pk=conversation_id, deleted_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing
    return without_hidden_titles([found])[0]


def withheld_conversations() -> set[UUID]:
    """The person's conversations in which something is withheld from them now."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.withheld_conversations()")
        return {row[0] for row in cursor.fetchall()}


def without_hidden_titles(
    conversations: list[Conversation], withheld: set[UUID] | None = None
) -> list[Conversation]:
    """The conversations; those with something withheld under a title that tells nothing."""
    if withheld is None:
        withheld = withheld_conversations()
    for conversation in conversations:
        if conversation.id in withheld:
            conversation.title = HIDDEN_TITLE
    return conversations


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
