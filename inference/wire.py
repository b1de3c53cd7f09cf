"""HTTP/1.1 (RFC 9112) over a plain socket, written to read many small events cheaply.

A raw socket costs less for each token than http.client and about half of what httpx costs.
There is no TLS: model servers stand on a UNIX socket, on loopback, or behind a proxy on this host.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from inference.errors import BadReply, Refused, Timeout, Unavailable

RECEIVE_BYTES = 64 * 1024
HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens, and the path its OpenAI endpoints start with."""

    host: str
    port: int
    socket_path: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `http://host:port/v1` or `unix:///path.sock`. Raises Refused for anything else."""
        parts = urlsplit(text)
        if parts.scheme == "unix" and parts.path and not parts.netloc:
            return cls(host="localhost", port=0, socket_path=parts.path, prefix="/v1")
        if parts.scheme == "http" and parts.hostname:
            prefix = parts.path.rstrip("/") or "/v1"
            return cls(host=parts.hostname, port=parts.port or 80, socket_path="", prefix=prefix)
        raise Refused(
            f"{text!r} is no model address. Write http://host:port/v1 or unix:///path.sock."
        )

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    def connect(self, seconds: float) -> "Connection":
        """Open a connection within `seconds`. Raises Unavailable."""
        try:
            if self.socket_path:
                connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connected.settimeout(seconds)
                connected.connect(self.socket_path)
            else:
                connected = socket.create_connection((self.host, self.port), timeout=seconds)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            where = self.socket_path or self.host_header
            raise Unavailable(
                f"No model server answers at {where} ({error}). Is it running?"
            ) from error
        connected.setblocking(True)
        return Connection(connected)


class Connection:
    """One socket to the server, and whether it has carried a request before."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.is_used = False

    def patience(self, seconds: float) -> None:
        """Let each read and each write wait this long from now on.

        The kernel's time-out is used and not Python's, because Python would poll before each
        read: a second system call for each token.
        """
        microseconds = max(int(seconds * 1_000_000), 1)
        value = struct.pack("ll", *divmod(microseconds, 1_000_000))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

    def send(self, data: bytes) -> None:
        """Send it all. Raises Timeout, or Unavailable when the line broke."""
        try:
            self.socket.sendall(data)
        except BlockingIOError:
            raise Timeout("The model server did not take the request in time.") from None
        except OSError as error:
            raise Unavailable(f"The connection to the model server broke: {error}.") from error

    def receive(self) -> bytes:
        """Return what came, or b"" when the server hung up.

        Raises Timeout after `patience` seconds without a byte, Unavailable when the line broke.
        """
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            raise Timeout("The model server sent nothing in the time it was given.") from None
        except OSError as error:
            raise Unavailable(f"The connection to the model server broke: {error}.") from error

    def is_quiet(self) -> bool:
        """Say whether an idle connection is open and silent, so that it can be used again."""
        try:
            self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False  # Closed by the server, or it speaks out of turn.

    def shut_down(self) -> None:
        """Wake a read that another thread is blocked in, and let the server see the end."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The server was quicker; the read has ended already.

    def close(self) -> None:
        self.socket.close()


@dataclass(slots=True, kw_only=True)
class Response:
    """A reply whose head has been read; its body can be read once.

    `is_complete` turns true when the body has been read to its proper end.
    """

    connection: Connection
    status: int
    headers: dict[str, str]
    unread: bytes
    rest: Callable[[], None] | None = None
    """Called before each read of a streamed body, so that more may come in one piece."""

    is_complete: bool = False

    @property
    def leaves_connection_clean(self) -> bool:
        return self.is_complete and self.headers.get("connection", "").lower() != "close"

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives; end early when the server hangs up. Raises BadReply."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        return self._counted()

    def _counted(self) -> Iterator[bytes]:
        length = self.headers.get("content-length", "")
        if not length:
            yield from self._until_closed()
            return
        if not length.isdecimal():
            raise BadReply("The model server sent a length that is not a number.")
        missing = int(length)
        piece = self.unread
        while missing:
            piece = piece or self.connection.receive()
            if not piece:
                return
            missing -= len(piece)
            if missing < 0:
                raise BadReply("The model server sent more than it said it would.")
            yield piece
            piece = b""
        self.is_complete = True

    def _until_closed(self) -> Iterator[bytes]:
        """Yield all there is. Its end cannot be told from a cut, so it never counts as complete."""
        if self.unread:
            yield self.unread
        while piece := self.connection.receive():
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        """Undo chunked transfer coding (RFC 9112, section 7.1). Trailers are not accepted."""
        buffer = self.unread
        while True:
            end = buffer.find(b"\r\n")
            if end < 0 and len(buffer) <= 64:
                if self.rest is not None:
                    self.rest()
                more = self.connection.receive()
                if not more:
                    return
                buffer += more
                continue
            size = _chunk_size(buffer[: max(end, 0)])
            start = end + 2
            while len(buffer) < start + size + 2:
                more = self.connection.receive()
                if not more:
                    return
                buffer += more
            if buffer[start + size : start + size + 2] != b"\r\n":
                raise BadReply("The model server sent a broken chunk.")
            if size == 0:
                self.is_complete = len(buffer) == start + 2
                return
            yield buffer[start : start + size]
            buffer = buffer[start + size + 2 :]

    def read(self) -> bytes:
        """Return the whole body. Raises Unavailable when it was cut, BadReply beyond 16 MiB."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > BODY_LIMIT_BYTES:
                raise BadReply("The model server's reply is larger than 16 MiB.")
        is_framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if is_framed and not self.is_complete:
            raise Unavailable("The model server hung up in the middle of its reply.")
        return bytes(body)


def ask(connection: Connection, request: bytes, *, seconds: float) -> Response | None:
    """Send a request and read the head of its reply, waiting `seconds` for each step.

    Returns None when the server hung up before it said anything, which is what happens when it
    closes an idle connection while we write on it. Raises Timeout, Unavailable, BadReply.
    """
    connection.patience(seconds)
    received = b""
    try:
        connection.send(request)
        received = connection.receive()
    except Unavailable:
        return None
    if not received:
        return None
    while b"\r\n\r\n" not in received:
        if len(received) > HEAD_LIMIT_BYTES:
            raise BadReply("The model server's reply has no end to its head.")
        more = connection.receive()
        if not more:
            raise Unavailable("The model server hung up in the middle of its reply.")
        received += more
    head, unread = received.split(b"\r\n\r\n", 1)
    status, headers = _head(head)
    return Response(connection=connection, status=status, headers=headers, unread=unread)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdecimal():
        raise BadReply("What answers at the model's address does not speak HTTP/1.1.")
    pairs = (line.partition(":") for line in lines)
    return int(parts[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _chunk_size(head: bytes) -> int:
    try:
        size = int(head.split(b";", 1)[0], 16)
    except ValueError:
        raise BadReply("The model server sent a broken chunk.") from None
    if not 0 <= size <= BODY_LIMIT_BYTES:
        raise BadReply("The model server sent a chunk larger than 16 MiB.")
    return size
