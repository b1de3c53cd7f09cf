"""A browser tab for benches: a socket that notes when each thing came. Light, so that many fit."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.visitor import Visitor, apply


@dataclass
class Seen:
    """When an answer's parts came, in seconds of the monotonic clock."""

    sent: float
    accepted: float = 0.0
    evidence: float = 0.0
    first_text: float = 0.0
    final: float = 0.0
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """Time and length of the text so far, at each piece."""

    text: str = ""
    in_order: bool = True


class Tab:
    """One socket of a person who is signed in."""

    def __init__(self, socket: ClientConnection, matter: UUID) -> None:
        self._socket = socket
        self._matter = matter

    async def ask(
        self, text: str, *, documents: bool = True, until: str = "final", seconds: float = 60
    ) -> Seen:
        """Ask, and read up to an event of this type."""
        message = {
            "type": "ask",
            "key": str(uuid4()),
            "text": text,
            "matter": str(self._matter),
            "documents": documents,
        }
        seen = Seen(sent=time.monotonic())
        await self._socket.send(json.dumps(message))
        async with asyncio.timeout(seconds):
            while True:
                raw = await self._socket.recv()
                if self._note(seen, json.loads(raw), time.monotonic()) == until:
                    return seen

    def _note(self, seen: Seen, frame: dict[str, Any], now: float) -> str:
        kind: str = frame["type"]
        if kind == "refused":
            raise RuntimeError(f"refused: {frame['message']}")
        if kind == "accepted":
            seen.accepted = now
        if kind != "event":
            return kind
        event = frame["event"]
        kind = event["type"]
        if kind == "evidence":
            seen.evidence = now
        elif kind == "delta":
            seen.in_order = seen.in_order and event["at"] == len(seen.text)
            seen.text = apply(seen.text, event)
            seen.first_text = seen.first_text or now
            seen.arrivals.append((now, len(seen.text)))
        elif kind == "final":
            seen.final = now
        return kind


@asynccontextmanager
async def tab(visitor: Visitor, matter: UUID) -> AsyncIterator[Tab]:
    """Open a socket with a visitor's cookies."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    async with connect(
        visitor.address.replace("http", "ws") + "/ws/chat/",
        additional_headers={"Cookie": cookies, "Origin": visitor.address},
        max_size=None,
        ping_interval=None,
    ) as socket:
        yield Tab(socket, matter)
