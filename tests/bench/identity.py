"""What it costs to be somebody, that nobody becomes somebody else, and what a change costs."""

import threading
import time
from typing import Any

import psycopg
from django.db import connection, transaction

from assistant.access.models import Membership
from assistant.accounts.identity import entered
from tests.bench.house import LEVELS, House
from tests.bench.table import Row, p50

TIMES = 600
TRANSACTIONS, CLIENTS = 10_000, 64


def rows(built: House, app: str) -> list[Row]:
    """Entering, bleeding, changing."""
    return [_entering(built, app), _bleeding(built), _changing(built)]


def _entering(built: House, app: str) -> Row:
    token = built.tokens[LEVELS[0]][0]
    with psycopg.connect(app, autocommit=True) as database:
        plain, with_identity = [], []
        for _ in range(TIMES):
            plain.append(_transaction(database, "select length(%s)", token))
            with_identity.append(_transaction(database, "select auth.enter(%s)", token))
    cost = p50(with_identity) - p50(plain)
    return Row(
        path="entering an identity",
        goal="≤ 0.2 ms",
        measured=f"p50 {cost:.2f} ms ({p50(with_identity):.2f} against {p50(plain):.2f} for a "
        "transaction that enters nobody)",
        met=cost <= 0.2,
    )


def _transaction(database: "psycopg.Connection[Any]", statement: str, token: str) -> float:
    began = time.perf_counter()
    with database.transaction(), database.cursor() as cursor:
        cursor.execute(statement, [token], prepare=True)
        cursor.fetchone()
    return 1000 * (time.perf_counter() - began)


def _bleeding(built: House) -> Row:
    people = [
        (person.user.pk, token)
        for level in LEVELS
        for person, token in zip(built.people[level], built.tokens[level], strict=True)
    ]
    wrong: list[object] = []
    aborted: list[int] = []

    def work(number: int) -> None:
        for turn in range(TRANSACTIONS // CLIENTS + 1):
            mine, token = people[(number + turn) % len(people)]
            try:
                with entered(token), connection.cursor() as cursor:
                    cursor.execute("select auth.uid()")
                    if (uid := cursor.fetchone()[0]) != mine:
                        wrong.append((uid, mine))
                    if turn % 3 == 0:
                        cursor.execute("select 1 / 0")
            except Exception as error:
                aborted.append(1)
                if "division" not in str(error):
                    wrong.append(error)
            if turn % 4 == 0:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("select auth.uid()")
                    if cursor.fetchone()[0] is not None:
                        wrong.append("an identity that nobody entered")
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = CLIENTS * (TRANSACTIONS // CLIENTS + 1)
    return Row(
        path="64 threads in one pool, identities, errors and rollbacks mixed",
        goal="no bleed in 10,000 transactions",
        measured=f"{len(wrong)} wrong in {done:,} transactions, {len(aborted):,} of them aborted",
        met=not wrong and done >= TRANSACTIONS,
    )


def _changing(built: House) -> Row:
    """The lead takes somebody out; the same transaction then searches as this person."""
    costs: dict[str, list[float]] = {level: [] for level in LEVELS}
    stale = 0
    for level in LEVELS:
        for person, token in zip(built.people[level], built.tokens[level], strict=True):
            for place in Membership.objects.using("owner").filter(user=person.user)[:5]:
                with entered(built.lead_token), connection.cursor() as cursor:
                    began = time.perf_counter()
                    Membership.objects.filter(pk=place.pk).delete()
                    costs[level].append(1000 * (time.perf_counter() - began))
                    cursor.execute("select auth.enter(%s)", [token])
                    cursor.execute(
                        "select count(*) from documents_passagevector where acl_group = %s",
                        [built.group_of[place.matter_id]],
                    )
                    stale += cursor.fetchone()[0]
                    transaction.set_rollback(True)
    cost = ", ".join(f"{level}: {p50(several):.1f}" for level, several in costs.items() if several)
    return Row(
        path="a membership taken away",
        goal="effective on the next query of the same transaction; cost stated",
        measured=f"{stale} rows seen afterwards; the change costs p50 ms {cost}",
        met=stale == 0,
    )
