"""A model server that says what it is told: real HTTP, the OpenAI protocol, no model.

In a test it runs in a thread of its own:

    with ModelServer() as server:
        server.enqueue("The limit is 40 mg.")
        server.enqueue(Script(text="Never ends.", forever=True))

For a bench it runs alone: `python -m tests.model_server --port 8001 --ttft-ms 100 --itl-ms 20
--tokens 200`. With nothing enqueued it quotes the sentence of the prompt that is nearest to the
question, the same one each time.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHARACTERS_PER_TOKEN = 4
SILENCE = "The documents do not say."

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^\s.!?][^.!?\n]{30,400}[.!?](?=\s|$)")
_PIECE = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How the server answers one request. Times are seconds, counts are tokens (words here).

    `status` other than 200 answers with an error that says `message`. `abort_after` hangs up after
    that many tokens, `hang_after` falls silent, `forever` starts the text again at its end.
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
class _State:
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


class ModelServer:
    """The server as a test holds it: `address`, `enqueue`, and what it has seen.

    `requests` are the bodies of the chat requests, `open_streams` the answers being written now,
    `disconnects` those whose reader hung up before their end, `model_name` the name it serves.
    """

    def __init__(
        self,
        *,
        model: str = "mock",
        port: int = 0,
        socket_path: Path | None = None,
        max_model_len: int = 8192,
        usual: Script | None = None,
        reply: Callable[[Sequence[Mapping[str, str]]], str] = quote_nearest,
    ) -> None:
        self.model_name = model
        self._port = port
        self._socket_path = socket_path
        self._state = _State(
            model=model, max_model_len=max_model_len, usual=usual or Script(), reply=reply
        )
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)

    @property
    def address(self) -> str:
        if self._socket_path is not None:
            return f"unix://{self._socket_path}"
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(self._state.requests)

    @property
    def open_streams(self) -> int:
        return self._state.open_streams

    @property
    def disconnects(self) -> int:
        return self._state.disconnects

    @property
    def connections_made(self) -> int:
        return self._state.connections_made

    @property
    def connections_open(self) -> int:
        return len(self._connections)

    def enqueue(self, *answers: str | Script) -> None:
        """Say these next, one a request, in this order."""
        self._state.queue.extend(Script(text=a) if isinstance(a, str) else a for a in answers)

    def reset(self) -> None:
        """Forget what was enqueued and seen, and be healthy. Answers under way go on."""
        state = self._state
        state.queue.clear()
        state.requests.clear()
        state.disconnects = state.connections_made = 0
        state.healthy = True

    def set_healthy(self, healthy: bool) -> None:
        """Let /health answer 200 or 503."""
        self._state.healthy = healthy

    def hang_up(self) -> None:
        """Cut every connection, as a killed server does."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for connection in list(self._connections):
            connection.abort()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("The mock model server did not start within 10 seconds.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._listen())
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _listen(self) -> asyncio.Server:
        def accept() -> asyncio.Protocol:
            return _Connection(self._state, self._connections)

        if self._socket_path is not None:
            return await self._loop.create_unix_server(accept, self._socket_path)
        server = await self._loop.create_server(accept, "127.0.0.1", self._port, backlog=256)
        self._port = server.sockets[0].getsockname()[1]
        return server


class _Connection(asyncio.Protocol):
    """One client's connection: reads requests one after the other, and answers each in full."""

    def __init__(self, state: _State, connections: set["_Connection"]) -> None:
        self._state = state
        self._connections = connections
        self._received = b""
        self._answer: _Answer | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._state.connections_made += 1
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._answer is not None:
            self._answer.reader_left()

    def abort(self) -> None:
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
        expected = int(length[1]) if length else 0
        if len(body) < expected:
            return
        self._received = body[expected:]
        self._route(method, path, body[:expected])

    def _route(self, method: str, path: str, body: bytes) -> None:
        state = self._state
        if path == "/health":
            self.reply(200 if state.healthy else 503, b"")
        elif path == "/version":
            self.reply_json(200, {"version": "0.0-mock"})
        elif path == "/v1/models":
            model = {"id": state.model, "object": "model", "max_model_len": state.max_model_len}
            self.reply_json(200, {"object": "list", "data": [model]})
        elif path == "/v1/chat/completions" and method == "POST":
            self._chat(body)
        else:
            self.refuse(404, "Not Found")

    def _chat(self, body: bytes) -> None:
        state = self._state
        try:
            request = json.loads(body)
            messages, model = request["messages"], request["model"]
        except (ValueError, KeyError):
            self.refuse(400, "The request is not a chat request.")
            return
        state.requests.append(request)
        if model != state.model:
            self.refuse(404, f"The model `{model}` does not exist.")
            return
        prompt_tokens = sum(len(m["content"]) for m in messages) // CHARACTERS_PER_TOKEN
        if prompt_tokens + request.get("max_tokens", 0) > state.max_model_len:
            self.refuse(
                400, f"This model's maximum context length is {state.max_model_len} tokens."
            )
            return
        script = state.queue.popleft() if state.queue else state.usual
        if not script.pieces and script.raw is None:
            script = replace(script, text=state.reply(messages))
        if script.status != 200:
            self.refuse(script.status, script.message or "told to fail")
            return
        self._answer = _Answer(self, state, script, request, prompt_tokens)
        self._answer.start()

    def answer_is_over(self) -> None:
        self._answer = None

    def refuse(self, status: int, message: str) -> None:
        kind = _REASONS.get(status, "Error").replace(" ", "")
        error = {"message": message, "type": f"{kind}Error", "param": None, "code": status}
        self.reply_json(status, {"error": error})

    def reply_json(self, status: int, body: Mapping[str, Any]) -> None:
        self.reply(status, json.dumps(body).encode())

    def reply(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


class _Answer:
    """One answer being written, token by token on a fixed timetable."""

    def __init__(
        self,
        connection: _Connection,
        state: _State,
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
            self._connection.abort()
            return
        if self._said >= self._count():
            self._end()
            return
        piece = self._pieces[self._said % len(self._pieces)]
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
            self._connection.abort()
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; print the address on standard output."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--socket", type=Path, default=None, help="a UNIX socket in its place")
    parser.add_argument("--model", default="mock")
    parser.add_argument("--max-model-len", type=int, default=131072)
    parser.add_argument("--ttft-ms", type=float, default=0)
    parser.add_argument("--itl-ms", type=float, default=0)
    parser.add_argument("--tokens", type=int, default=0, help="0: quote the prompt instead")
    options = parser.parse_args(arguments)
    words = tuple(f" word{number}" for number in range(options.tokens))
    usual = Script(
        tokens=words,
        first_token_seconds=options.ttft_ms / 1000,
        between_tokens_seconds=options.itl_ms / 1000,
    )
    server = ModelServer(
        model=options.model,
        port=options.port,
        socket_path=options.socket,
        max_model_len=options.max_model_len,
        usual=usual,
    )
    with server:
        sys.stdout.write(f"{server.address}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
