"""Closes the sockets of sessions that have ended, with one question a second for all of a process.

A socket is opened once and may live for hours, so whoever holds it is asked after again and again:
signing out elsewhere, "end this session", idle and absolute time-outs, a closed account and a
changed password all end the session in the database, and the socket within two seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from assistant.accounts.middleware import NO_DATABASE
from assistant.accounts.sessions import open_among
from assistant.chat.live import in_thread
from compliance.log import NotRecorded

EVERY_SECONDS = 1.0

Close = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class SessionWatch:
    """The sockets of this process by the session they belong to."""

    def __init__(self) -> None:
        self._sockets: dict[UUID, list[Close]] = {}
        self._watcher: asyncio.Task[None] | None = None

    def join(self, session_id: UUID, close: Close) -> Callable[[], None]:
        """Have `close` called when the session ends; returns what takes the socket out again."""
        sockets = self._sockets.setdefault(session_id, [])
        sockets.append(close)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())

        def leave() -> None:
            if close in sockets:
                sockets.remove(close)
            if not sockets and self._sockets.get(session_id) is sockets:
                del self._sockets[session_id]

        return leave

    async def _watch(self) -> None:
        """Look until nobody is left."""
        while self._sockets:
            await asyncio.sleep(EVERY_SECONDS)
            asked = list(self._sockets)
            try:
                still_open = await in_thread(open_among, asked)
            except (*NO_DATABASE, NotRecorded) as trouble:
                # Nothing is readable without the database either: each frame asks it anew.
                logger.warning("sessions not checked: %s", type(trouble).__name__)
                continue
            for session_id in set(asked) - still_open:
                for close in list(self._sockets.get(session_id, ())):
                    await self._close(close)

    async def _close(self, close: Close) -> None:
        try:
            await close()
        except Exception:
            # One socket that is gone already must not keep the others open.
            logger.info("a socket was gone before it was closed", exc_info=True)
