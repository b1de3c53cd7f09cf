"""As many searches run at once as the processors carry; the others wait in order and are told."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from assistant.documents import admission
from assistant.documents.admission import GaveUp, SharedQueue, admitted
from tests.installation import free_port


@pytest.fixture
def two_places(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "SEARCHES_AT_ONCE", 2)
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete(*admission._KEYS)
    admission._queues.cache_clear()
    yield
    admission._queues.cache_clear()
    broker.delete(*admission._KEYS)


@pytest.fixture
def no_redis(two_places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    admission._queues.cache_clear()


class Crowd:
    """Threads that search for a while each, and what was seen of them."""

    def __init__(self, count: int, *, seconds: float) -> None:
        self.most = self._now = 0
        self.order: list[int] = []
        self.told: set[int] = set()
        self._seconds = seconds
        self._lock = threading.Lock()
        threads = []
        for number in range(count):
            threads.append(threading.Thread(target=self._search, args=(number,)))
            threads[-1].start()
            time.sleep(0.005)
        for thread in threads:
            thread.join(30)

    def _search(self, number: int) -> None:
        with admitted(waiting=lambda: self.told.add(number)):
            with self._lock:
                self.order.append(number)
                self._now += 1
                self.most = max(self.most, self._now)
            time.sleep(self._seconds)
            with self._lock:
                self._now -= 1


def test_no_more_than_there_are_places_and_in_the_order_they_came(two_places: None) -> None:
    crowd = Crowd(12, seconds=0.06)
    assert crowd.most == 2
    assert len(crowd.order) == 12
    # Two that are let in together may start in either order.
    assert all(abs(place - number) <= 2 for place, number in enumerate(crowd.order))


def test_who_waits_is_told_and_who_does_not_is_not(two_places: None) -> None:
    crowd = Crowd(6, seconds=0.3)
    assert not crowd.told & {0, 1}
    assert crowd.told >= {4, 5}


def test_without_redis_the_crowd_still_waits_and_nobody_is_lost(no_redis: None) -> None:
    crowd = Crowd(12, seconds=0.06)
    assert crowd.most == 2
    assert sorted(crowd.order) == list(range(12))


def test_a_search_waits_for_those_of_other_processes(two_places: None) -> None:
    elsewhere = SharedQueue(settings.REDIS_URL, 2)
    others = [uuid4().hex, uuid4().hex, uuid4().hex]
    assert [elsewhere.take(name) for name in others] == [True, True, False]
    told = threading.Event()
    done = threading.Event()

    def search() -> None:
        with admitted(waiting=told.set):
            done.set()

    thread = threading.Thread(target=search)
    thread.start()
    assert told.wait(5)
    elsewhere.give_back(others[0])
    # The third came before us.
    assert elsewhere.take(others[2])
    assert not done.wait(0.2)
    elsewhere.give_back(others[1])
    assert done.wait(5)
    thread.join(5)
    elsewhere.give_back(others[2])


def test_a_process_that_died_gives_its_place_back(
    two_places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(admission, "PATIENCE_SECONDS", 0.3)
    dead = SharedQueue(settings.REDIS_URL, 2)
    for _ in range(4):
        dead.take(uuid4().hex)
    began = time.monotonic()
    with admitted(waiting=lambda: None):
        assert time.monotonic() - began < 2


def test_who_gives_up_leaves_the_queue(two_places: None) -> None:
    with admitted(waiting=lambda: None), admitted(waiting=lambda: None):
        with pytest.raises(GaveUp), admitted(waiting=lambda: None, given_up=lambda: True):
            pass
    with admitted(waiting=lambda: None), admitted(waiting=lambda: None):
        pass


def test_an_error_while_searching_frees_the_place(two_places: None) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), admitted(waiting=lambda: None):
            raise ZeroDivisionError
    with admitted(waiting=lambda: None), admitted(waiting=lambda: None):
        pass
