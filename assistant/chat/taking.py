"""What it takes from the database to take a question: one statement to look, one to store.

The asker waits for each round trip, so the statements are written out. Row security judges every
row they touch, as it would one by one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from assistant.accounts.identity import entered_asking
from assistant.accounts.sealed import seal
from assistant.chat.models import Answer, Conversation, Question
from assistant.postgresql.prepared import Row, first_row

_LOOK = """
select (select q.id from chat_question q where q.owner_id = %(owner)s and q.key = %(key)s),
       (select count(*) from chat_answer a
         where a.owner_id = %(owner)s and a.state in ('queued', 'answering')),
       (select m.acl_group from access_matter m where m.id = %(matter)s)
"""

_STORE = """
with begun as (
  insert into chat_conversation (id, owner_id, matter_id, acl_group, title, created_at, updated_at)
  select %(conversation)s, %(owner)s, %(matter)s, %(group)s, %(title)s, %(now)s, %(now)s
   where %(is_first)s),
continued as (
  update chat_conversation set updated_at = %(now)s
   where id = %(conversation)s and not %(is_first)s),
asked as (
  insert into chat_question (id, conversation_id, owner_id, acl_group, follows_id, text, nonce,
                             uses_documents, key, created_at)
  values (%(question)s, %(conversation)s, %(owner)s, %(group)s, %(follows)s, %(text)s, %(nonce)s,
          %(uses_documents)s, %(key)s, %(now)s)),
to_come as (
  insert into chat_answer (id, question_id, owner_id, acl_group, created_at)
  values (%(answer)s, %(question)s, %(owner)s, %(group)s, %(now)s)),
offered as (
  insert into chat_answerwork (answer_id, sealed_token, queued_at)
  values (%(answer)s, %(sealed_token)s, %(now)s))
select auth.delegate(%(token)s, %(minutes)s, false)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands when a question comes in.

    `asked_before` is the question of this key, `matter_group` the group of the matter it begins
    in; each None when there is none for this person.
    """

    asked_before: UUID | None
    open_answers: int
    matter_group: int | None


@contextmanager
def entered_to_ask(
    token: str, owner_id: int, *, key: UUID, matter_id: UUID | None
) -> Iterator[Standing]:
    """Enter an identity and look in one round trip; raises NotSignedIn."""
    with entered_asking(token, _LOOK, _looked_for(owner_id, key, matter_id)) as row:
        yield _standing(row)


def look(owner_id: int, *, key: UUID, matter_id: UUID | None) -> Standing:
    """Read what decides whether a question is taken."""
    return _standing(first_row(_LOOK, _looked_for(owner_id, key, matter_id)))


def _looked_for(owner_id: int, key: UUID, matter_id: UUID | None) -> dict[str, Any]:
    return {"owner": owner_id, "key": key, "matter": matter_id}


def _standing(row: Row) -> Standing:
    assert row is not None
    asked_before, open_answers, matter_group = row
    return Standing(
        asked_before=asked_before, open_answers=open_answers, matter_group=matter_group
    )


def store(
    conversation: Conversation,
    question: Question,
    answer: Answer,
    *,
    is_first: bool,
    token: str,
    minutes: int,
) -> None:
    """Store a question with the answer to come, and offer it for `minutes` with `token`.

    The conversation is begun when the question `is_first` in it.
    """
    first_row(
        _STORE,
        {
            "conversation": conversation.id,
            "matter": conversation.matter_id,
            "title": conversation.title,
            "is_first": is_first,
            "question": question.id,
            "owner": question.owner_id,
            "group": question.acl_group,
            "follows": question.follows_id,
            "text": question.text,
            "nonce": bytes(question.nonce),
            "uses_documents": question.uses_documents,
            "key": question.key,
            "answer": answer.id,
            "sealed_token": seal(token),
            "token": token,
            "minutes": minutes,
            "now": timezone.now(),
        },
    )
