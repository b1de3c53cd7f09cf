"""One model server that speaks the OpenAI protocol: its address, its connections, its errors."""

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from inference.errors import InferenceError, Refused, Stopped, TooLong, Unavailable
from inference.wire import Address, Connection, Response, ask

# vLLM names the parameter; other servers say it in words. Read in vLLM 0.32's replies.
_TOO_LONG = re.compile(
    r"context length|context window|max_model_len|maximum model length|input_tokens|"
    r"prompt is too long",
    re.IGNORECASE,
)
_BUSY = (408, 429)


class Cancel:
    """A switch that ends an answer from another thread, even while no token comes.

    `set()` shuts the connection down: the blocked read returns at once, and the server sees that
    nobody listens and frees the slot. One `Cancel` serves one request at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_set = False

    @property
    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """End the request under way, or refuse the next one. Calling it twice is harmless."""
        with self._lock:
            self._is_set = True
            if self._connection is not None:
                self._connection.shut_down()

    def watch(self, connection: Connection) -> None:
        """Tie this switch to the connection that is about to be read."""
        with self._lock:
            self._connection = connection
            if self._is_set:
                connection.shut_down()

    def release(self) -> None:
        """Let go, so that a late `set()` cannot end someone else's request on that connection."""
        with self._lock:
            self._connection = None


class Client:
    """A model server at one address, and the name it serves the model under.

    Threads share one client: each request has a connection to itself, and a connection whose reply
    was read to the end is kept for the next request. Times are seconds.
    """

    def __init__(
        self,
        address: str,
        *,
        model: str,
        connect_seconds: float = 3,
        first_token_seconds: float = 60,
        between_tokens_seconds: float = 20,
    ) -> None:
        self.address = address
        self.model = model
        self.connect_seconds = connect_seconds
        self.first_token_seconds = first_token_seconds
        self.between_tokens_seconds = between_tokens_seconds
        self._where = Address.parse(address)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._process_id = os.getpid()

    def __repr__(self) -> str:
        return f"Client({self.address!r}, model={self.model!r})"

    def close(self) -> None:
        """Close the idle connections. Requests under way go on."""
        with self._lock:
            connections, self._idle = self._idle, []
        for connection in connections:
            connection.close()

    def get(self, path: str, *, seconds: float) -> tuple[int, bytes]:
        """Return status and body of a GET at the server's root, for instance "/health"."""
        with self._exchange("GET", path, b"", cancel=Cancel(), seconds=seconds) as response:
            return response.status, response.read()

    def models(self, *, seconds: float) -> tuple[int, bytes]:
        """Return status and body of the server's list of models."""
        return self.get(f"{self._where.prefix}/models", seconds=seconds)

    @contextmanager
    def chat(
        self, body: Mapping[str, Any], *, cancel: Cancel, seconds: float
    ) -> Iterator[Response]:
        """Ask for a completion and hand over the reply, of which only the head has been read.

        Each read waits `seconds` until `response.connection.patience` says otherwise.
        Raises Stopped, Timeout, BadReply, and TooLong, Refused or Unavailable by status.
        """
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        path = f"{self._where.prefix}/chat/completions"
        with self._exchange("POST", path, payload, cancel=cancel, seconds=seconds) as response:
            if response.status != 200:
                raise error_for(response.status, response.read().decode(errors="replace"))
            yield response

    @contextmanager
    def _exchange(
        self, method: str, path: str, payload: bytes, *, cancel: Cancel, seconds: float
    ) -> Iterator[Response]:
        response: Response | None = None
        if cancel.is_set:
            raise Stopped("The answer was stopped before it was asked for.")
        try:
            response = self._open(self._request(method, path, payload), cancel, seconds)
            yield response
        except InferenceError as error:
            if cancel.is_set:
                raise Stopped("The answer was stopped.") from error
            raise
        finally:
            cancel.release()
            if response is not None:
                self._put_back(response)

    def _request(self, method: str, path: str, payload: bytes) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: {self._where.host_header}\r\n"
            "accept: application/json, text/event-stream\r\n"
            f"content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload

    def _open(self, request: bytes, cancel: Cancel, seconds: float) -> Response:
        """Send the request; once more when an idle connection turns out to have been closed."""
        while True:
            connection = self._take()
            cancel.watch(connection)
            try:
                response = ask(connection, request, seconds=seconds)
            except BaseException:
                connection.close()
                raise
            if response is not None:
                return response
            connection.close()
            if cancel.is_set or not connection.is_used:
                raise Unavailable(f"The model server at {self.address} hung up without a word.")

    def _take(self) -> Connection:
        if self._process_id != os.getpid():
            # A fork shares its parent's sockets; both speaking on one would mix their answers.
            self._idle, self._lock, self._process_id = [], threading.Lock(), os.getpid()
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._where.connect(self.connect_seconds)
            if connection.is_quiet():
                return connection
            connection.close()

    def _put_back(self, response: Response) -> None:
        if not response.leaves_connection_clean:
            response.connection.close()
            return
        response.connection.is_used = True
        with self._lock:
            self._idle.append(response.connection)


def error_for(status: int, message: str) -> InferenceError:
    """Turn the server's error status and text into one of ours.

    The text goes no further than its first 300 characters: servers like to quote the prompt.
    """
    if status == 400 and _TOO_LONG.search(message):
        return TooLong("The prompt does not fit the model's context. Ask for less at once.")
    said = f"The model server answered {status}: {message[:300]}"
    return Unavailable(said) if status >= 500 or status in _BUSY else Refused(said)
