"""Live events go through one thread to Redis: none is lost silently, and none overtakes another."""

import json
import threading
from typing import Any
from uuid import uuid4

import redis

from assistant.chat.outbox import Letter, Outbox
from assistant.chat.stream import Publisher, connection, key_of
from tests.installation import free_port


def _events(key: str) -> list[dict[str, Any]]:
    entries: Any = connection().xrange(key)
    return [json.loads(fields["e"]) for _, fields in entries]


def test_sixteen_answers_at_once_keep_their_order(database: Any) -> None:
    ids = [uuid4() for _ in range(16)]

    def write(answer_id: Any) -> None:
        publisher = Publisher(answer_id)
        publisher.event({"type": "status", "state": "answering", "text": "Writing…"})
        for number in range(50):
            publisher.text(f" {number}")
            if number % 10 == 9:
                publisher.event({"type": "sentence", "index": number // 10})
        publisher.event({"type": "final", "state": "answered"})
        publisher.settle()

    threads = [threading.Thread(target=write, args=(answer_id,)) for answer_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer_id in ids:
        events = _events(key_of(answer_id))
        text = "".join(event["text"] for event in events if event["type"] == "delta")
        assert text == "".join(f" {number}" for number in range(50))
        assert [e["index"] for e in events if e["type"] == "sentence"] == [0, 1, 2, 3, 4]
        assert events[-1]["type"] == "final"
        left: Any = connection().ttl(key_of(answer_id))
        assert 0 < left <= 3600


def test_whoever_left_an_event_hears_that_it_was_lost() -> None:
    nobody = redis.Redis(port=free_port(), socket_connect_timeout=0.2)
    outbox = Outbox(nobody)
    lost: list[int] = []
    for number in range(3):
        last = outbox.leave(
            Letter(key="k", event="{}", keeps=False, lost=lambda n=number: lost.append(n))  # type: ignore[misc]
        )
    outbox.settle(last, 10)
    assert lost == [0, 1, 2]
