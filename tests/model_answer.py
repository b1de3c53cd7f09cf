"""What the mock model server says: scripts, a default answer, and the writing of one answer."""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

SILENCE = "The documents do not say."

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^\s.!?][^.!?\n]{30,400}[.!?](?=\s|$)")
_PIECE = re.compile(r"\s*\S+|\s+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How the server answers one request. Times are seconds, counts are tokens (words here).

    `status` other than 200 answers with an error that says `message`. `abort_after` hangs up after
    that many tokens, `hang_after` falls silent, `forever` starts the text again at its end;
    "{round}" in it is then the number of that beginning, so that no sentence is said twice.
    `raw` replaces the body of a good reply, byte for byte, and then the server hangs up.
    """

    text: str = ""
    tokens: tuple[str, ...] = ()
    first_token_seconds: float = 0.0
    between_tokens_seconds: float = 0.0
    finish_reason: str = "stop"
    status: int = 200
    message: str = ""
    abort_after: int | None = None
    hang_after: int | None = None
    forever: bool = False
    raw: bytes | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        return self.tokens or tuple(_PIECE.findall(self.text))


def quote_nearest(messages: Sequence[Mapping[str, str]]) -> str:
    """Return the sentence of the prompt that shares most words with its last paragraph."""
    last = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    question = [line for line in last.splitlines() if line.strip()][-1:]
    asked = {word.lower() for word in _WORD.findall(" ".join(question)) if len(word) > 2}
    bodies = [m["content"] for m in messages if m["role"] != "system"] or [""]
    text = "\n".join(bodies)
    for line in question:
        text = text.replace(line, "")
    sentences = [" ".join(match.split()) for match in _SENTENCE.findall(text)]
    if not sentences:
        return SILENCE
    return max(sentences, key=lambda s: len(asked & {w.lower() for w in _WORD.findall(s)}))


@dataclass(kw_only=True)
class State:
    """What the server's thread and the test's thread both see."""

    model: str
    max_model_len: int
    usual: Script
    reply: Callable[[Sequence[Mapping[str, str]]], str]
    queue: deque[Script] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    open_streams: int = 0
    disconnects: int = 0
    connections_made: int = 0
    healthy: bool = True


class Reader(Protocol):
    """The connection that an answer is written to."""

    transport: asyncio.Transport

    def reply(self, status: int, body: bytes) -> None: ...

    def reply_json(self, status: int, body: Mapping[str, Any]) -> None: ...

    def answer_is_over(self) -> None: ...


class Answer:
    """One answer being written, token by token on a fixed timetable."""

    def __init__(
        self,
        connection: Reader,
        state: State,
        script: Script,
        request: Mapping[str, Any],
        prompt_tokens: int,
    ) -> None:
        self._connection = connection
        self._state = state
        self._script = script
        self._is_stream = bool(request.get("stream"))
        self._wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        self._limit = int(request.get("max_tokens") or 10**9)
        self._prompt_tokens = prompt_tokens
        self._pieces = script.pieces
        self._said = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        envelope = json.dumps(
            {
                "id": f"chatcmpl-{len(state.requests)}",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": state.model,
                "choices": [{"index": 0, "delta": {"content": "@"}, "finish_reason": None}],
            },
            separators=(",", ":"),
        )
        self._before, self._after = (part.encode() for part in envelope.split('"@"'))

    def start(self) -> None:
        self._state.open_streams += 1
        wait = self._script.first_token_seconds
        if not self._is_stream:
            total = wait + self._script.between_tokens_seconds * self._count()
            self._timer = self._loop.call_later(total, self._whole)
            return
        self._connection.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        self._due = self._loop.time() + wait
        self._timer = self._loop.call_at(self._due, self._first)

    def reader_left(self) -> None:
        self._state.disconnects += 1
        self._over()

    def _over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._state.open_streams -= 1
        self._connection.answer_is_over()

    def _count(self) -> int:
        return self._limit if self._script.forever else min(self._limit, len(self._pieces))

    def _first(self) -> None:
        if self._script.raw is not None:
            self._connection.transport.write(_chunk(self._script.raw))
            self._over()
            self._connection.transport.close()
            return
        role = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        self._event({"choices": [role]})
        self._next()

    def _next(self) -> None:
        script = self._script
        if self._said == script.hang_after:
            return
        if self._said == script.abort_after:
            self._over()
            self._connection.transport.abort()
            return
        if self._said >= self._count():
            self._end()
            return
        rounds, place = divmod(self._said, len(self._pieces))
        piece = self._pieces[place].replace("{round}", str(rounds + 1))
        self._said += 1
        event = b"data: %b%b%b\n\n" % (self._before, json.dumps(piece).encode(), self._after)
        self._connection.transport.write(_chunk(event))
        self._due += script.between_tokens_seconds
        self._timer = self._loop.call_at(self._due, self._next)

    def _end(self) -> None:
        cut = not self._script.forever and len(self._pieces) <= self._limit
        reason = self._script.finish_reason if cut else "length"
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if self._wants_usage:
            self._event({"choices": [], "usage": self._usage()})
        self._connection.transport.write(_chunk(b"data: [DONE]\n\n"))
        self._connection.transport.write(b"0\r\n\r\n")
        self._over()

    def _whole(self) -> None:
        if self._script.hang_after is not None:
            return
        self._over()
        if self._script.abort_after is not None:
            self._connection.transport.abort()
            return
        if self._script.raw is not None:
            self._connection.reply(200, self._script.raw)
            return
        self._said = self._count()
        text = "".join(self._pieces[i % len(self._pieces)] for i in range(self._said))
        reason = self._script.finish_reason if self._said == len(self._pieces) else "length"
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        self._connection.reply_json(200, {"choices": [choice], "usage": self._usage()})

    def _usage(self) -> dict[str, int]:
        total = self._prompt_tokens + self._said
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._said,
            "total_tokens": total,
        }

    def _event(self, fields: Mapping[str, Any]) -> None:
        event = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, **fields}
        line = json.dumps({**event, "model": self._state.model}, separators=(",", ":"))
        self._connection.transport.write(_chunk(f"data: {line}\n\n".encode()))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
