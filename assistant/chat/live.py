"""What a live connection does in the database, each step as the person who is signed in."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.db import connections, transaction
from django.utils.crypto import constant_time_compare

from assistant.accounts import sessions
from assistant.accounts.identity import entered
from assistant.accounts.models import User
from assistant.accounts.sessions import SessionStore, identity_token
from assistant.chat import ask, taking, tasks
from assistant.chat.access import answer_for
from assistant.chat.models import OPEN_STATES, Answer
from compliance.events import Context

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# As many as connections in the pool would only queue there instead of here.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="socket")


async def in_thread(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Run database work beside the event loop, and give its connections back."""

    def run() -> Result:
        try:
            return work(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


def sitting_of(headers: dict[bytes, bytes]) -> "Sitting | None":
    """Who is behind a connection, by the session cookie it came with; None for nobody."""
    cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        return None
    store = SessionStore(morsel.value)
    data = store.load()
    user = User.objects.filter(pk=data.get(SESSION_KEY, 0), is_active=True).first()
    genuine = user is not None and constant_time_compare(
        data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    )
    if user is None or not genuine or store.row is None or user.must_change_password:
        return None
    if store.row.signed_in_at is None or sessions.is_idle(store.row):
        return None
    return Sitting(
        user=user,
        session_id=store.row.public_id,
        token=identity_token(morsel.value),
        record=Context(actor=user.public_id, session=store.row.public_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A person at a browser: the verbs a frame can call."""

    user: User
    session_id: UUID
    token: str
    record: Context

    def ask(
        self,
        *,
        text: str,
        key: UUID,
        matter: UUID | None,
        conversation: UUID | None,
        follows: UUID | None,
        documents: bool,
    ) -> dict[str, Any]:
        """Take a question; returns the ids of what came of it."""
        with taking.entered_to_ask(
            self.token, self.user.id, key=key, matter_id=matter
        ) as standing:
            taken = ask.accept_question(
                replace(self.record, request=uuid4()),
                self.user,
                text=text,
                key=key,
                matter_id=matter,
                conversation_id=conversation,
                follows_id=follows,
                uses_documents=documents,
                standing=standing,
            )
            if taken.is_new:
                _wake_after_commit(taken.answer)
        sessions.seen(self.session_id)
        return {
            "conversation": str(taken.conversation.id),
            "question": str(taken.question.id),
            "answer": str(taken.answer.id),
            "title": taken.conversation.title,
        }

    def ask_again(self, answer_id: UUID) -> dict[str, Any]:
        """Have a question answered anew."""
        sessions.seen(self.session_id)
        with entered(self.token):
            answer = ask.ask_again(
                replace(self.record, request=uuid4()), self.user, answer_id=answer_id
            )
            _wake_after_commit(answer)
        return {
            "conversation": str(answer.question.conversation_id),
            "question": str(answer.question_id),
            "answer": str(answer.id),
            "title": answer.question.conversation.title,
        }

    def stop(self, answer_id: UUID) -> None:
        """Stop an answer."""
        with entered(self.token):
            ask.stop(replace(self.record, request=uuid4()), answer_id=answer_id)

    def look_up(self, answer_id: UUID) -> dict[str, Any]:
        """The answer as it is stored; raises Missing."""
        with entered(self.token):
            return stored(answer_for(answer_id))


def stored(answer: Answer) -> dict[str, Any]:
    """An answer with all it rests on, in the words of the live events."""
    return {
        "answer": str(answer.id),
        "is_final": answer.state not in OPEN_STATES,
        "state": answer.state,
        "text": answer.text,
        "sentences": answer.sentences,
        "model": answer.model,
        "why": answer.why,
        "reason": answer.reason,
        "receipt": answer.receipt.get("id", ""),
        "evidence": [row.as_event() for row in answer.evidence.all()],
        "citations": [row.as_event() for row in answer.citations.all()],
    }


def withheld(answer: Answer) -> dict[str, Any]:
    """What stands in the place of an answer that its asker may not see any more."""
    return {
        "answer": "",
        "is_final": True,
        "state": answer.state,
        "text": "",
        "sentences": [],
        "model": "",
        "why": "",
        "reason": answer.reason,
        "receipt": "",
        "evidence": [],
        "citations": [],
        "withheld": True,
    }


def _wake_after_commit(answer: Answer) -> None:
    transaction.on_commit(lambda: tasks.wake(answer.id))
