"""A person at a browser, without the browser: real HTTP, a real socket, the frames as they are."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.people import Person

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """Signed in at the site, with a session cookie."""

    def __init__(self, address: str, person: Person | None = None) -> None:
        self.address = address
        self.http = httpx.Client(base_url=address, timeout=30, follow_redirects=False)
        self.person = person
        if person is not None:
            self.sign_in(person)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, person: Person) -> httpx.Response:
        """Fill in the sign-in form."""
        response = self.post(
            "/sign-in/", {"username": person.username, "password": person.password}
        )
        assert response.status_code == 302, response.text[:2000]
        return response

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def post(self, path: str, data: dict[str, Any], **files: Any) -> httpx.Response:
        """Send a form with the token that pages carry."""
        page = self.http.get("/sign-in/" if not self.http.cookies.get("cloister") else "/account/")
        while page.is_redirect:
            page = self.http.get(page.headers["Location"])
        found = _TOKEN.search(page.text)
        token = found.group(1) if found else ""
        return self.http.post(
            path,
            data={**data, "csrfmiddlewaretoken": token},
            files=files or None,
            headers={"Origin": self.address, "Referer": self.address + path},
        )

    @contextmanager
    def socket(self) -> "Iterator[Socket]":
        """The live connection of a tab."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        with connect(
            self.address.replace("http", "ws") + "/ws/chat/",
            additional_headers={"Cookie": cookies, "Origin": self.address},
            max_size=None,
        ) as connection:
            yield Socket(connection)


class Socket:
    """Frames, sent and received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.last_id = "0"

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message, default=str))

    def ask(self, text: str, matter: UUID, **more: Any) -> dict[str, Any]:
        """Ask and wait until the question is accepted or refused."""
        self.send(type="ask", key=more.pop("key", uuid4()), text=text, matter=matter, **more)
        return self.next_of("accepted", "refused", "bye")

    def receive(self, seconds: float = 30) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=seconds))
        if message["type"] == "event":
            self.last_id = message["id"]
        return message

    def next_of(self, *kinds: str, seconds: float = 30) -> dict[str, Any]:
        """The next frame of one of these types."""
        until = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.1, until - time.monotonic()))
            if message["type"] in kinds:
                return message

    def events(self, answer: str, *, seconds: float = 60) -> list[dict[str, Any]]:
        """All events of an answer up to its last; a snapshot counts as the last."""
        found: list[dict[str, Any]] = []
        until = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.1, until - time.monotonic()))
            if message.get("answer") != answer:
                continue
            if message["type"] == "snapshot":
                return [*found, {**message, "type": "final"}]
            if message["type"] == "event":
                found.append(message["event"])
                if found[-1]["type"] == "final":
                    return found

    def wait_for_text(self, answer: str, *, characters: int, seconds: float = 30) -> str:
        """Read until this much of the answer has come."""
        text = ""
        until = time.monotonic() + seconds
        while len(text) < characters:
            message = self.receive(max(0.1, until - time.monotonic()))
            if message.get("answer") == answer and message["type"] == "event":
                text = apply(text, message["event"])
        return text


def apply(text: str, event: dict[str, Any]) -> str:
    """The text a reader sees after an event."""
    if event["type"] == "restart":
        return ""
    if event["type"] == "delta":
        assert event["at"] <= len(text), "a gap in the text"
        added: str = event["text"]
        return text[: event["at"]] + added
    return text


def text_of(events: list[dict[str, Any]]) -> str:
    """The streamed text of an answer, as the reader saw it."""
    text = ""
    for event in events:
        text = apply(text, event)
    return text
