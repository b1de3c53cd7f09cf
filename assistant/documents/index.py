"""Keeps the search index fit for the size of the collection: when cells are due, and making them.

Runs as the role that owns the tables, on the host. Small installations never need it: below
`LEAST_PASSAGES` every search is exact.

Order of durable steps: one transaction puts centres, cells and counts in place together, so a
search sees the former cells or the new ones. While it runs, documents wait to be published and
searches go on. A crash before its commit leaves everything as it was. Then the table is put in the
order that searches read, for which they wait; a crash there leaves it as it was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from assistant.access.upkeep import OWNER
from assistant.documents import cells
from assistant.documents.cells import Vectors
from assistant.documents.models import DIMENSIONS
from compliance import log
from compliance.events import Context, IndexTrained

LEAST_PASSAGES = 20_000
"""Below this nobody has more passages than one search looks at anyway."""

GROWTH = 2
"""The cells are made anew when there are this many times the passages they were made for."""

SEED = 1
PATIENCE = "5s"
"""How long putting the table in order waits for a reader; searches that come meanwhile wait too."""

LOCK_NOT_AVAILABLE = "55P03"
_PIECE = 20_000


class CannotTrain(Exception):
    """Why there is nothing to train, or no way to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """How many passages there are, and for how many the cells were made; 0 cells before that."""

    passages: int
    cells: int
    trained_for: int
    trained_at: datetime | None

    @property
    def is_due(self) -> bool:
        """Whether searches would gain from training now."""
        return self.passages >= max(LEAST_PASSAGES, GROWTH * self.trained_for)


def state() -> IndexState:
    """What the index is like now."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            """
            select (select coalesce(sum(passages), 0)::bigint from auth.acl_group),
                   (select count(*) from auth.cell), t.passages, t.trained_at
              from (select 1) one left join auth.cell_training t on true
            """
        )
        passages, made, trained_for, trained_at = cursor.fetchone()
    return IndexState(
        passages=passages, cells=made, trained_for=trained_for or 0, trained_at=trained_at
    )


def train(
    *, least: int = LEAST_PASSAGES, count: int | None = None, tell: Callable[[str], None]
) -> IndexState:
    """Make the cells anew for the passages there are now; says on the way how far it is.

    `count` overrides how many cells are made. Raises CannotTrain, and NotRecorded when the record
    refuses the event; then nothing has changed.
    """
    if _role(OWNER) == _role(DEFAULT_DB_ALIAS):
        raise CannotTrain(
            "Owner and application share one database role, which may not read everybody's "
            "passages. Give CLOISTER_DATABASE_OWNER_URL; until then searches stay exact."
        )
    passages = state().passages
    if passages < least:
        raise CannotTrain(
            f"There are {passages} passages. Below {least} every search is exact, "
            "and cells would gain nothing."
        )
    wanted = count or cells.how_many(passages)
    tell(f"Making {wanted} cells for {passages} passages…")
    centres = cells.centres_of(
        _sample(passages, wanted * cells.SAMPLES_A_CELL), cells=wanted, seed=SEED
    )
    with transaction.atomic(using=OWNER):
        with connections[OWNER].cursor() as cursor:
            _put(cursor, centres, tell)
        log.append(IndexTrained(passages=passages, cells=wanted), context=Context(), using=OWNER)
    _tidy(tell)
    return state()


def _tidy(tell: Callable[[str], None]) -> None:
    """Put the table in the order that searches read: they read half as many pages then.

    Training wrote every row anew beside its former self.
    """
    tell("Putting the table in order; searches wait for some seconds…")
    try:
        with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
            cursor.execute(f"set local lock_timeout = '{PATIENCE}'")
            cursor.execute("cluster documents_passagevector using passages_by_group_and_cell")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        tell("Somebody reads the table for long, so it stays as it is. Train again later.")
    with connections[OWNER].cursor() as cursor:
        cursor.execute("vacuum (analyze) documents_passagevector")


def _role(alias: str) -> str:
    return str(connections[alias].settings_dict["USER"])


def _sample(passages: int, wanted: int) -> Vectors:
    """About as many vectors as wanted, from everywhere."""
    percent = min(100.0, 100.0 * wanted / passages)
    with transaction.atomic(using=OWNER):
        pieces = [
            vectors
            for _, _, vectors in _read(
                "select passage_id, cell, halfvec_send(embedding) from documents_passagevector"
                " tablesample bernoulli (%s) repeatable (%s)",
                [percent, SEED],
            )
        ]
    return np.concatenate(pieces)


def _put(cursor: Any, centres: Vectors, tell: Callable[[str], None]) -> None:
    # Nothing is inserted or moved between here and the commit; reading goes on.
    cursor.execute("lock table documents_passagevector in share row exclusive mode")
    sums = cells.Sums(len(centres))
    cursor.execute("create temp table moved (passage_id bigint, cell int) on commit drop")
    done = 0
    for ids, former, vectors in _read(
        "select passage_id, cell, halfvec_send(embedding) from documents_passagevector"
    ):
        home = cells.nearest(vectors, centres) + 1
        sums.add(vectors, home - 1)
        with cursor.copy("copy moved from stdin") as copy:
            for place in np.flatnonzero(home != former).tolist():
                copy.write_row((int(ids[place]), int(home[place])))
        done += len(ids)
        tell(f"{done} passages have their cell")
    cursor.execute("delete from auth.cell")
    with cursor.copy("copy auth.cell (id, centre, spread) from stdin") as copy:
        for number, (mean, spread) in enumerate(sums.cells(otherwise=centres), start=1):
            copy.write_row((number, "[" + ",".join(map(str, mean.tolist())) + "]", spread))
    cursor.execute("analyze moved")
    # The counts are made whole below, not row by row.
    cursor.execute("alter table documents_passagevector disable trigger count_cells_moved")
    cursor.execute(
        "update documents_passagevector v set cell = m.cell from moved m"
        " where v.passage_id = m.passage_id"
    )
    cursor.execute("alter table documents_passagevector enable trigger count_cells_moved")
    cursor.execute("delete from auth.cell_count")
    cursor.execute(
        """
        insert into auth.cell_count (acl_group, counts)
        select g.acl_group, array_agg(coalesce(n.n, 0) order by s.cell)::real[]::vector
          from (select distinct acl_group from documents_passagevector) g
         cross join generate_series(1, %s) s (cell)
          left join (select acl_group, cell, count(*) as n
                       from documents_passagevector group by 1, 2) n
            on n.acl_group = g.acl_group and n.cell = s.cell
         group by g.acl_group
        """,
        [len(centres)],
    )
    cursor.execute(
        """
        insert into auth.cell_training (id, passages, trained_at) values (1, %s, now())
        on conflict (id) do update set passages = excluded.passages, trained_at = now()
        """,
        [done],
    )


def _read(
    statement: str, values: list[float] | None = None
) -> Iterator[tuple[Any, Any, Vectors]]:
    """Passages in pieces: their ids, cells and vectors. To be called in a transaction.

    halfvec_send() gives two numbers of 16 bits (dimensions, and one unused) and the elements, the
    high byte first.
    """
    connection = connections[OWNER]
    connection.ensure_connection()
    with connection.connection.cursor(name="index") as cursor:
        cursor.itersize = _PIECE
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_PIECE):
            joined = b"".join(row[2] for row in rows)
            halves = np.frombuffer(joined, dtype=">f2").reshape(len(rows), DIMENSIONS + 2)
            yield (
                np.fromiter((row[0] for row in rows), dtype=np.int64),
                np.fromiter((row[1] for row in rows), dtype=np.int64),
                halves[:, 2:].astype(np.float32),
            )
