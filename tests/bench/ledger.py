"""What recording costs: beside a plain INSERT, beside a chain under a lock, in a request."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
from django.test import Client

from compliance import log
from tests.bench.place import Place
from tests.bench.table import Row, note
from tests.installation import CHECKOUT
from tests.people import make_world
from tests.visitor import Visitor

PROCESSES, WRITERS = 2, 16
SECONDS = 6.0
ROUNDS = 3
REQUESTS = 150

TABLES = """
CREATE TABLE IF NOT EXISTS bench_business (id uuid PRIMARY KEY, person uuid, words text);
CREATE TABLE IF NOT EXISTS bench_bare (event_id uuid PRIMARY KEY, header bytea);
CREATE TABLE IF NOT EXISTS bench_plain (event_id uuid PRIMARY KEY, recorded_at timestamptz,
    type text, actor uuid, session uuid, request uuid, object uuid, matter uuid, outcome text,
    header bytea);
CREATE INDEX IF NOT EXISTS plain_time ON bench_plain (recorded_at DESC, event_id DESC);
CREATE INDEX IF NOT EXISTS plain_actor ON bench_plain (actor, recorded_at DESC);
CREATE INDEX IF NOT EXISTS plain_matter ON bench_plain (matter, recorded_at DESC);
CREATE INDEX IF NOT EXISTS plain_type ON bench_plain (type, recorded_at DESC);
CREATE INDEX IF NOT EXISTS plain_object ON bench_plain (object, event_id);
CREATE TABLE IF NOT EXISTS bench_chain (event_id uuid PRIMARY KEY, header bytea, hash bytea);
CREATE TABLE IF NOT EXISTS bench_head (hash bytea);
INSERT INTO bench_head SELECT sha256('') WHERE NOT EXISTS (SELECT FROM bench_head);
GRANT ALL ON bench_business, bench_plain, bench_bare, bench_chain, bench_head TO cloister_app;
"""
LAG = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.99) WITHIN GROUP
       (ORDER BY lag), count(*)
  FROM (SELECT extract(epoch FROM r.sequenced_at - e.recorded_at)::float AS lag
          FROM compliance_leaf l
          JOIN compliance_event e ON e.event_id = l.event_id
          CROSS JOIN LATERAL (SELECT sequenced_at FROM compliance_root
                               WHERE size > l.idx ORDER BY size LIMIT 1) r
         WHERE l.idx >= %s) lags
"""
SIZES = """
SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'compliance_event%%'
                                                OR relname LIKE 'compliance_mention%%'),
       sum(pg_total_relation_size(oid)) FILTER (WHERE relname IN
         ('compliance_leaf', 'compliance_tile', 'compliance_root', 'compliance_checkpoint'))
  FROM pg_class WHERE relkind = 'r'
"""


def run(place: Place) -> list[Row]:
    """All rows of the ledger."""
    address = place.installation.state()["databases"]["superuser"]
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(TABLES)
        begun = _size(admin)
        before = _bytes(admin)
        rates = _rates(("append", "plain", "bare"), ROUNDS)
        lag = _lag(admin, begun)
        worked = _rates(("append-work", "chain-work"), 1)
        _wait_until_numbered(admin)
        sizes = _per_event(admin, before, begun)
    return [
        _beside_plain(rates),
        _beside_bare(rates),
        _beside_chain(worked),
        lag,
        _tax(place),
        sizes,
    ]


def _rates(hows: tuple[str, ...], rounds: int) -> dict[str, float]:
    """Transactions a second of each, in turns, so that the machine's moods are shared."""
    counts: dict[str, list[float]] = {how: [] for how in hows}
    for number in range(rounds):
        for how in hows if number % 2 == 0 else reversed(hows):
            note(f"{how}: {WRITERS} writers, {SECONDS:.0f} s")
            counts[how].append(_committed(how) / SECONDS)
    return {how: statistics.median(values) for how, values in counts.items()}


def _committed(how: str) -> int:
    words = [
        *(sys.executable, "-m", "tests.bench.ledger_writer", how),
        *(str(WRITERS // PROCESSES), str(SECONDS)),
    ]
    running = [
        subprocess.Popen(words, cwd=CHECKOUT, env=os.environ, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    return sum(int(process.communicate(timeout=120)[0]) for process in running)


def _beside_plain(rates: dict[str, float]) -> Row:
    ratio = rates["append"] / rates["plain"]
    return Row(
        path="a business transaction with `log.append`, 16 writers",
        goal="≥ 0.8× the same with a plain INSERT into a table as searchable in its place",
        measured=f"{ratio:.2f}× ({rates['append']:.0f}/s against {rates['plain']:.0f}/s)",
        met=ratio >= 0.8,
    )


def _beside_bare(rates: dict[str, float]) -> Row:
    return Row(
        path="the same beside an INSERT of id and header, which nobody can search",
        goal="",
        measured=f"{rates['append'] / rates['bare']:.2f}× ({rates['bare']:.0f}/s)",
        met=True,
    )


def _beside_chain(rates: dict[str, float]) -> Row:
    ratio = rates["append-work"] / rates["chain-work"]
    return Row(
        path="the same with 10 ms of work after the append",
        goal="≥ 5× a hash chain under a lock",
        measured=f"{ratio:.1f}× ({rates['append-work']:.0f}/s against {rates['chain-work']:.0f}/s)",
        met=ratio >= 5,
    )


def _lag(admin: "psycopg.Connection[Any]", begun: int) -> Row:
    _wait_until_numbered(admin)
    row = admin.execute(LAG, [begun]).fetchone()
    assert row is not None
    middle, worst, count = row
    return Row(
        path="from an append to its number, under that load",
        goal="p99 ≤ 2 s",
        measured=f"p50 {middle:.2f} s, p99 {worst:.2f} s ({count} events)",
        met=worst <= 2,
    )


def _tax(place: Place) -> Row:
    """What the event of opening a document adds, beside the whole request at the server.

    What it adds is taken in this process, where it can be left out.
    """
    world = make_world()
    version = world.add("note.md", "# A note\n\nThe rent is 4,250 euros.\n")
    with Visitor(place.installation.address, world.alice) as visitor:
        client = Client(headers={"host": place.installation.address.removeprefix("http://")})
        for name, value in visitor.http.cookies.items():
            client.cookies[name] = value
        path = f"/documents/{version.document_id}/"
        assert client.get(path).status_code == 200
        with_event, without = _timed(lambda: client.get(path))
        whole = statistics.median(_seconds(lambda: visitor.get(path)) for _ in range(REQUESTS))
    share = (with_event - without) / whole
    return Row(
        path="a request that opens a document",
        goal="≤ 5 % of it is recording",
        measured=f"{share:.1%} ({(with_event - without) * 1e3:.2f} ms of {whole * 1e3:.1f} ms,"
        f" medians of {REQUESTS})",
        met=share <= 0.05,
    )


def _timed(ask: Callable[[], Any]) -> tuple[float, float]:
    """Medians with recording and without, in turns."""
    recorded: list[float] = []
    bare: list[float] = []
    for _ in range(REQUESTS):
        recorded.append(_seconds(ask))
        with patch.object(log, "append", lambda *_args, **_more: uuid4()):
            bare.append(_seconds(ask))
    return statistics.median(recorded), statistics.median(bare)


def _seconds(ask: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


def _per_event(
    admin: "psycopg.Connection[Any]", before: tuple[int, int], begun: int
) -> Row:
    after = _bytes(admin)
    count = _size(admin) - begun
    events, tree = ((after[part] - before[part]) / count for part in (0, 1))
    return Row(
        path="bytes an event takes, indexes included",
        goal="",
        measured=f"{events + tree:.0f}: {events:.0f} with its mentions, {tree:.0f} in the tree",
        met=True,
    )


def _bytes(admin: "psycopg.Connection[Any]") -> tuple[int, int]:
    row = admin.execute(SIZES, []).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _size(admin: "psycopg.Connection[Any]") -> int:
    row = admin.execute("SELECT coalesce(max(size), 0) FROM compliance_root").fetchone()
    assert row is not None
    return int(row[0])


def _wait_until_numbered(admin: "psycopg.Connection[Any]") -> None:
    while admin.execute("SELECT 1 FROM compliance_pending LIMIT 1").fetchone():
        time.sleep(0.2)
