"""Asking: how soon the evidence comes, what the path adds to the model, 64 answers at once."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import httpx
import redis

from assistant.access.matters import add_member
from assistant.broker import app
from tests.bench import finding, hop
from tests.bench.corpus import full_world, questions
from tests.bench.place import Place
from tests.bench.tab import Seen, Tab, tab
from tests.bench.table import Row, note, p50, p95
from tests.people import Person, World, make_person
from tests.visitor import Visitor

ONE_AT_A_TIME = 60
TOGETHER = 16
CHAT_TOKENS = 100
STREAMS = 64
STREAM_TOKENS = 200
TOKEN_SECONDS = 0.020
FIRST_TOKEN_SECONDS = 0.100
CHAT_SECONDS = FIRST_TOKEN_SECONDS + CHAT_TOKENS * TOKEN_SECONDS
LATE_SECONDS = 1.0
"""A token that comes later than this after it was due is late."""


def run(place: Place) -> list[Row]:
    """All rows about asking, in one installation."""
    note("asking: taking in 5,000 passages…")
    world = full_world()
    people = _team(world, STREAMS // 4)
    visitors = [Visitor(place.installation.address, person) for person in people]
    try:
        note("asking: one search by its parts…")
        rows = [finding.row(world)]
        with place.model(ttft_ms=0, itl_ms=0, tokens=12):
            _warm(visitors[0], world)
            note("asking: evidence…")
            rows += _evidence(visitors, world)
            note("asking: the hop…")
            rows.append(_hop())
        with place.model(ttft_ms=100, itl_ms=20, tokens=CHAT_TOKENS) as address:
            _warm(visitors[0], world)
            note("asking: what the path adds…")
            rows += _added(visitors, world, address)
        with place.model(ttft_ms=100, itl_ms=20, tokens=STREAM_TOKENS):
            _warm(visitors[0], world)
            note("asking: 64 streams…")
            rows += _streams(place, visitors, world)
        return rows
    finally:
        for visitor in visitors:
            visitor.http.close()


def _team(world: World, count: int) -> list[Person]:
    people = [make_person("reader") for _ in range(count)]
    with world.as_alice() as acting:
        for person in people:
            add_member(
                acting.record, world.matter, acting.user, username=person.username, level="member"
            )
    return people


def _warm(visitor: Visitor, world: World) -> None:
    """Let every part have done its work once; a model that was away is found again."""
    time.sleep(3)
    asked = questions(3)
    _each([visitor], world, lambda one, n: one.ask(asked[n]), 3)


def _each(
    visitors: list[Visitor],
    world: World,
    work: Callable[[Tab, int], Coroutine[Any, Any, Seen]],
    times: int,
) -> list[Seen]:
    """Do `work` so many times in each visitor's tab, all tabs at once, begun evenly spread."""

    async def one(visitor: Visitor, number: int) -> list[Seen]:
        async with tab(visitor, world.matter.id) as open_tab:
            await asyncio.sleep(number * CHAT_SECONDS / len(visitors))
            return [await work(open_tab, number * times + turn) for turn in range(times)]

    async def everybody() -> list[list[Seen]]:
        return await asyncio.gather(*(one(v, number) for number, v in enumerate(visitors)))

    return [seen for some in asyncio.run(everybody()) for seen in some]


def _evidence(visitors: list[Visitor], world: World) -> list[Row]:
    asked = questions(120)
    seen = _each(visitors[:1], world, lambda one, n: one.ask(asked[n]), ONE_AT_A_TIME)
    waits = [1000 * (one.evidence - one.accepted) for one in seen]
    return [
        Row(
            path="accepted question → first byte of evidence, 5,000 passages",
            goal="p50 ≤ 80 ms, p95 ≤ 200 ms",
            measured=f"p50 {p50(waits):.0f} ms, p95 {p95(waits):.0f} ms",
            met=p50(waits) <= 80 and p95(waits) <= 200,
        )
    ]


def _added(visitors: list[Visitor], world: World, address: str) -> list[Row]:
    asked = questions(400)
    rows = []
    for documents, words in ((True, "with retrieval"), (False, "without")):
        for together, goal in ((1, 45), (TOGETHER, 90)):
            goal = goal if documents else 10
            times = 24 if together == 1 else 4
            direct = _direct(address, together, times)
            seen = _each(
                visitors[:together],
                world,
                lambda one, n, documents=documents: one.ask(asked[n], documents=documents),  # type: ignore[misc]
                times,
            )
            firsts = [1000 * (one.first_text - one.sent) for one in seen if one.first_text]
            added = p50(firsts) - p50(direct)
            rows.append(
                Row(
                    path=f"added to the model's first token {words}, {together} "
                    f"chat{'s' if together > 1 else ''}",
                    goal=f"p50 ≤ {goal} ms",
                    measured=f"p50 {added:.0f} ms ({p50(firsts):.0f} against "
                    f"{p50(direct):.0f}; {len(firsts)} answers)",
                    met=added <= goal,
                )
            )
    return rows


def _direct(address: str, together: int, times: int) -> list[float]:
    """The mock's own first token in milliseconds, asked without us."""

    async def one(client: httpx.AsyncClient) -> list[float]:
        waits = []
        for _ in range(times):
            began, noted = time.monotonic(), False
            body = {
                "model": "scout",
                "stream": True,
                "messages": [{"role": "user", "content": "What is due?"}],
            }
            async with client.stream("POST", f"{address}/chat/completions", json=body) as reply:
                async for line in reply.aiter_lines():
                    if not noted and line.startswith("data: {") and _content(line):
                        waits.append(1000 * (time.monotonic() - began))
                        noted = True
        return waits

    async def everybody() -> list[list[float]]:
        async with httpx.AsyncClient(timeout=30) as client:
            return await asyncio.gather(*(one(client) for _ in range(together)))

    return [wait for some in asyncio.run(everybody()) for wait in some]


def _content(line: str) -> str:
    choices = json.loads(line.removeprefix("data: "))["choices"]
    content: str = choices[0]["delta"].get("content", "") if choices else ""
    return content


def _hop() -> Row:
    """From handing a task over until a worker's thread has begun it."""
    broker = redis.Redis.from_url(app.conf.broker_url, decode_responses=True)
    with hop.worker():
        hop.once(broker)
        hops = [hop.once(broker) for _ in range(ONE_AT_A_TIME)]
    return Row(
        path="the Celery hop alone",
        goal="p50 ≤ 3 ms",
        measured=f"p50 {p50(hops):.1f} ms, p95 {p95(hops):.1f} ms",
        met=p50(hops) <= 3,
    )


def _streams(place: Place, visitors: list[Visitor], world: World) -> list[Row]:
    """Each of sixteen people has four tabs with an answer in each."""

    async def everybody() -> list[Seen]:
        async with AsyncExitStack() as stack:
            tabs = [
                await stack.enter_async_context(tab(visitor, world.matter.id))
                for visitor in visitors
                for _ in range(4)
            ]
            asked = questions(len(tabs))

            async def begin(number: int) -> Seen:
                # All within one second, as a class of students would.
                await asyncio.sleep(number / len(tabs))
                return await tabs[number].ask(asked[number], documents=False)

            return await asyncio.gather(*(begin(number) for number in range(len(tabs))))

    before = place.cpu_seconds("web", "answers")
    seen = asyncio.run(everybody())
    used = place.cpu_seconds("web", "answers") - before
    whole = "".join(f" word{n}{'.' if n % 12 == 11 else ''}" for n in range(STREAM_TOKENS)).strip()
    delivered = sum(len(one.text) for one in seen if one.in_order) / (len(whole) * len(seen))
    on_time = sum(map(_share_on_time, seen)) / len(seen)
    per_thousand = used / (len(seen) * STREAM_TOKENS / 1000)
    return [
        Row(
            path="64 streams of 50 tokens/s begun within a second, one web and one answers process",
            goal="≥ 99 % delivered in order, ≥ 95 % on time, ≤ 0.2 CPU-s per 1,000 tokens",
            measured=f"{delivered:.1%} delivered in order, {on_time:.1%} on time, "
            f"{per_thousand:.2f} CPU-s",
            met=delivered >= 0.99 and on_time >= 0.95 and per_thousand <= 0.2,
        )
    ]


def _share_on_time(seen: Seen) -> float:
    """The share of the text that came at most a second after the model was due to say it."""
    total = len(seen.text) or 1
    good, had = 0, 0
    for at, length in seen.arrivals:
        # The first character of a piece was due the longest ago.
        token = STREAM_TOKENS * had / total
        due = seen.sent + FIRST_TOKEN_SECONDS + token * TOKEN_SECONDS
        if at - due <= LATE_SECONDS:
            good += length - had
        had = length
    return good / total
