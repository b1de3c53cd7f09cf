"""The live connection of a browser: takes questions, relays answers.

The socket is a convenience, the row is the truth. Each frame acts in a transaction that enters the
session's identity, so what a person may do is decided anew each time. A frame is:

    ask     {type, key, text, matter | conversation, follows?, documents?}
    again   {type, key, answer}
    stop    {type, answer}
    follow  {type, answer, after}
    ping    {type}
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.core.exceptions import ValidationError

from assistant.access.errors import Missing
from assistant.accounts.identity import NotSignedIn
from assistant.accounts.middleware import NO_DATABASE
from assistant.chat import relay
from assistant.chat.live import Sitting, in_thread, sitting_of
from assistant.chat.stream import key_of
from assistant.chat.watching import SessionWatch
from compliance.log import NotRecorded

LARGEST_FRAME = 64_000
FRAMES_A_MINUTE = 120
QUIET_SECONDS = 2.0
"""A followed answer that says nothing for this long is looked up in the database."""

MOST_FOLLOWED = 32
GONE = {
    "is_final": True,
    "state": "refused",
    "text": "",
    "sentences": [],
    "model": "",
    "why": "",
    "reason": "This answer is not here any more, or not for you.",
    "receipt": "",
    "evidence": [],
    "citations": [],
    "withheld": True,
}
NOT_SAVED = "The database does not answer. Nothing was saved; your text is kept here. Try again."
NOT_RECORDED = "This could not be recorded, so it was not asked. Tell the operator."

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One browser tab."""

    _relay: relay.Relay | None = None
    _watch = SessionWatch()

    async def connect(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._frames: list[float] = []
        self._leave: Callable[[], None] = _nothing
        sitting = await in_thread(sitting_of, dict(self.scope["headers"]))
        if sitting is None:
            await self.accept()
            await self._sign_out()
            return
        self._sitting: Sitting = sitting
        await self.accept()
        self._leave = ChatConsumer._watch.join(sitting.session_id, self._sign_out)

    async def disconnect(self, code: int) -> None:
        self._leave()
        for task in self._tasks.values():
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame; whatever goes wrong is said in words and loses nothing."""
        message = self._read(text_data)
        if message is None:
            await self._refuse(None, "malformed", "This message was not understood.")
            return
        key = message.get("key")
        try:
            await self._act(message)
        except (Missing, ValueError, TypeError, KeyError):
            await self._refuse(key, "missing", "This is not here any more, or not for you.")
        except ValidationError as error:
            await self._refuse(key, "invalid", " ".join(error.messages))
        except NotSignedIn:
            await self._sign_out()
        except NotRecorded:
            await self._refuse(key, "not_recorded", NOT_RECORDED)
        except NO_DATABASE as error:
            await self._refuse(key, "unavailable", NOT_SAVED, error)

    def _read(self, text: str | None) -> dict[str, Any] | None:
        now = time.monotonic()
        self._frames = [at for at in self._frames if now - at < 60] + [now]
        if text is None or len(text) > LARGEST_FRAME or len(self._frames) > FRAMES_A_MINUTE:
            return None
        try:
            message = json.loads(text)
        except json.JSONDecodeError:
            return None
        return message if isinstance(message, dict) else None

    async def _act(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "ask":
            await self._ask(message)
        elif kind == "again":
            reply = await in_thread(self._sitting.ask_again, UUID(message["answer"]))
            await self._accepted({"key": message.get("key"), **reply})
        elif kind == "stop":
            await in_thread(self._sitting.stop, UUID(message["answer"]))
        elif kind == "follow":
            answer_id = UUID(message["answer"])
            await in_thread(self._sitting.look_up, answer_id)
            self._follow(str(answer_id), str(message.get("after") or relay.BEGINNING))
        elif kind == "ping":
            await self._send({"type": "pong"})
        else:
            await self._refuse(message.get("key"), "malformed", "This message was not understood.")

    async def _ask(self, message: dict[str, Any]) -> None:
        reply = await in_thread(
            self._sitting.ask,
            text=str(message["text"]),
            key=UUID(message["key"]),
            matter=_uuid(message.get("matter")),
            conversation=_uuid(message.get("conversation")),
            follows=_uuid(message.get("follows")),
            documents=message.get("documents", True) is not False,
        )
        await self._accepted({"key": message["key"], **reply})

    async def _accepted(self, reply: dict[str, Any]) -> None:
        await self._send({"type": "accepted", **reply})
        self._follow(reply["answer"], relay.BEGINNING)

    def _follow(self, answer_id: str, after: str) -> None:
        running = self._tasks.pop(answer_id, None)
        if running is not None:
            running.cancel()
        if len(self._tasks) > MOST_FOLLOWED:
            return
        after = after if relay.is_entry_id(after) else relay.BEGINNING
        self._tasks[answer_id] = asyncio.create_task(self._relay_answer(answer_id, after))

    async def _relay_answer(self, answer_id: str, after: str) -> None:
        """Pass an answer's events on until its last; fall back on the row when they stay away."""
        if ChatConsumer._relay is None:
            ChatConsumer._relay = relay.Relay(settings.REDIS_URL)
        follower = await ChatConsumer._relay.follow(key_of(answer_id), after)
        try:
            while True:
                try:
                    entry_id, event = await asyncio.wait_for(
                        follower.entries.get(), QUIET_SECONDS
                    )
                except TimeoutError:
                    if await self._caught_up(answer_id):
                        return
                    continue
                # Assembled by hand: the event is JSON already, and there are many of them.
                await self.send(
                    f'{{"type":"event","answer":"{answer_id}","id":"{entry_id}","event":{event}}}'
                )
                if event.startswith('{"type": "final"'):
                    return
        finally:
            ChatConsumer._relay.leave(follower)
            self._tasks.pop(answer_id, None)

    async def _caught_up(self, answer_id: str) -> bool:
        """Send the answer as it is stored, if it is final; returns whether it is."""
        try:
            stored = await in_thread(self._sitting.look_up, UUID(answer_id))
        except Missing:
            await self._send({"type": "snapshot", **GONE, "answer": answer_id})
            return True
        except NO_DATABASE:
            return False
        except NotSignedIn:
            await self._sign_out()
            return True
        if not stored["is_final"]:
            return False
        await self._send({"type": "snapshot", **stored})
        return True

    async def _sign_out(self) -> None:
        """Close the connection: the session behind it has ended."""
        await self._bye("signed_out", "Your session has ended. Sign in again.")

    async def _refuse(
        self, key: Any, code: str, message: str, error: Exception | None = None
    ) -> None:
        reference = str(uuid4())
        logger.info("refused %s, reference %s (%s)", code, reference, type(error).__name__)
        await self._send(
            {
                "type": "refused",
                "key": key if isinstance(key, str) else None,
                "code": code,
                "message": message,
                "reference": reference,
            }
        )

    async def _bye(self, code: str, message: str) -> None:
        await self._send({"type": "bye", "code": code, "message": message})
        await self.close(code=4401)

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps(message, ensure_ascii=False))


def _nothing() -> None:
    """What there is to leave before a connection has joined anything."""


def _uuid(text: object) -> UUID | None:
    return UUID(str(text)) if text else None
