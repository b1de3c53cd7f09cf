"""A model server that says what it is told: real HTTP, the OpenAI protocol, no model.

In a test it runs in a thread of its own:

    with ModelServer() as server:
        server.enqueue("The limit is 40 mg.")
        server.enqueue(Script(text="Never ends.", forever=True))

For a bench it runs alone: `python -m tests.model_server --port 8001 --ttft-ms 100 --itl-ms 20
--tokens 200`. With nothing enqueued it quotes the sentence of the prompt that is nearest to the
question, the same one each time. `tests/contract_model.py` says in what it is like vLLM.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.model_answer import Answer, Script, State, quote_nearest

__all__ = ["ModelServer", "Script"]

CHARACTERS_PER_TOKEN = 4

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


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
        self._state = State(
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

    def set_max_model_len(self, tokens: int) -> None:
        """Serve the model with a context of so many tokens from now on."""
        self._state.max_model_len = tokens

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

    def __init__(self, state: State, connections: set["_Connection"]) -> None:
        self._state = state
        self._connections = connections
        self._received = b""
        self._answer: Answer | None = None
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
        if request.get("cache_salt") == "":
            self.refuse(400, "Parameter 'cache_salt' must be a non-empty string if provided.")
            return
        # Like vLLM: only a prompt can be too long, and the answer gets the room that is left.
        prompt_tokens = sum(len(m["content"]) for m in messages) // CHARACTERS_PER_TOKEN
        room = state.max_model_len - prompt_tokens
        if room < 0:
            context = f"This model's maximum context length is {state.max_model_len} tokens."
            self.refuse(400, context)
            return
        request = {**request, "max_tokens": min(request.get("max_tokens") or room, room)}
        script = state.queue.popleft() if state.queue else state.usual
        if not script.pieces and script.raw is None:
            script = replace(script, text=state.reply(messages))
        if script.status != 200:
            self.refuse(script.status, script.message or "told to fail")
            return
        self._answer = Answer(self, state, script, request, prompt_tokens)
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
    # Sentences of twelve words, no two alike.
    words = tuple(f" word{n}{'.' if n % 12 == 11 else ''}" for n in range(options.tokens))
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
