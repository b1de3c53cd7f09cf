"""The design not taken, beside ours: an HNSW graph under the same row security, scanned on."""

import time
from typing import Any

import psycopg
from django.db import connection

from tests.bench.house import House
from tests.bench.many import Base
from tests.bench.searches import K, Truth, asks, by_level, judged, times, written
from tests.bench.table import Row

EACH = 4
BREADTH = 400
"""Tuned on other questions: below it recall falls, above it only the time grows."""

_MAKE = """
create table bench_graph as
  select passage_id, acl_group, embedding from documents_passagevector order by passage_id;
alter table bench_graph enable row level security;
grant select on bench_graph to {app};
create policy may_read on bench_graph for select to {app}
  using (get_bit((select auth.bits()), acl_group) = 1);
create policy denied on bench_graph as restrictive to {app}
  using (get_bit((select auth.denied_bits()), acl_group) = 0);
set maintenance_work_mem = '1GB';
create index on bench_graph using hnsw (embedding halfvec_cosine_ops);
analyze bench_graph;
"""


def row(built: House, real: Base, truth: Truth, admin: "psycopg.Connection[Any]") -> Row:
    """Recall, short results and times of the graph for the same people."""
    began = time.perf_counter()
    admin.execute(_MAKE.format(app=connection.settings_dict["USER"]))
    seconds = time.perf_counter() - began
    seen = judged(_nearest, asks(built, real, each=EACH), real, truth)
    admin.execute("drop table bench_graph")
    short = sum(one.short for one in seen.values())
    return Row(
        path=f"beside it, not used: HNSW with iterative scan (relaxed order, ef {BREADTH})",
        goal="",
        measured="recall "
        + by_level(seen, lambda one: f"{sum(one.recall) / len(one.recall):.3f}")
        + f"; {short} searches short; p50/p95 ms "
        + by_level(seen, times)
        + f"; made in {seconds:.0f} s",
        met=True,
    )


def _nearest(question: str, vector: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "set local hnsw.iterative_scan = relaxed_order; set local hnsw.scan_mem_multiplier = 8;"
            f" set local hnsw.ef_search = {BREADTH}; set local hnsw.max_scan_tuples = 200000"
        )
        cursor.execute(
            "with near as materialized (select passage_id, embedding <=> %s::halfvec as distance"
            " from bench_graph order by 2 limit %s)"
            " select passage_id from near order by distance, passage_id",
            [written(vector), K],
        )
        return [passage for (passage,) in cursor.fetchall()]
