"""Five million events as a house of two thousand people leaves them in a year, made in minutes.

Rows are written by the database's administrator past the record's triggers, in the order of time,
two halves side by side. Headers are real ones in shape and size, and each leaf is the hash of
its header. Who is active, in which matter, and what is done there is far from even; most happens on
weekdays between seven and seven.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

EVENTS = 5_000_000
PEOPLE = 2_000
MATTERS = 600
DOCUMENTS = 20_000
YEAR = timedelta(weeks=52)

# Of a thousand events; the rest of them is `document.opened`.
SHARES = (
    ("question.asked", "begun", 180),
    ("evidence.shown", "begun", 180),
    ("answer.given", "done", 170),
    ("conversation.opened", "begun", 80),
    ("search.ran", "begun", 60),
    ("account.sign_in_begun", "begun", 40),
    ("account.signed_in", "done", 40),
    ("account.signed_out", "done", 30),
    ("document.uploaded", "done", 10),
    ("document.indexed", "done", 10),
    ("document.version_published", "done", 10),
    ("record.read", "begun", 8),
    ("account.sign_in_failed", "refused", 6),
    ("answer.failed", "failed", 3),
    ("access.denied", "refused", 3),
    ("answer.refused", "refused", 2),
    ("document.rejected", "refused", 1),
)
RARE = ("emergency.asked", "done")
"""One event in a hundred thousand."""

_HELPERS = """
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(kind || n)::uuid $$;
CREATE TEMP TABLE share AS SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::int[])
  AS t (type, outcome, first, last);
CREATE TEMP TABLE lot AS SELECT n, type, outcome FROM share, generate_series(first, last) AS n;
CREATE TEMP TABLE people AS SELECT n, public_id FROM (
  SELECT row_number() OVER (ORDER BY id) - 1 AS n, public_id FROM accounts_user
   WHERE username LIKE 'bench-%%') AS p WHERE n < %s;
CREATE TEMP TABLE matters AS SELECT n, pg_temp.id('matter', n) AS id
  FROM generate_series(0, %s) AS n;
ANALYZE lot; ANALYZE people; ANALYZE matters;
"""

# `week` runs from 0 to 1 through a week; weekdays have most of it, and of a day the hours of work.
# Squares and cubes of a random number make some people, matters and documents busy.
_EVENTS = """
INSERT INTO compliance_event (event_id, recorded_at, type, actor, session, request, object, matter,
    outcome, header, leaf)
SELECT event_id, at, type, actor, session, request, object, matter, outcome, header,
       sha256('\\x00'::bytea || header)
  FROM (
    SELECT *, convert_to(format('{"actor":%%s,"fields":{"conversation":"%%s","model":"scout",'
        '"prompt":"%%s%%s","tokens_in":1200,"tokens_out":210},"id":"%%s","matter":%%s,'
        '"object":"%%s","outcome":"%%s","request":"%%s","salt":"%%s","session":"%%s",'
        '"time":"%%s","type":"%%s","v":1}', coalesce('"' || actor || '"', 'null'), request, h, h,
        event_id, coalesce('"' || matter || '"', 'null'), object, outcome, request, h, session,
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), type), 'UTF8') AS header
      FROM (
        SELECT at, h, type, outcome, p.public_id AS actor,
            (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
                || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid AS event_id,
            CASE WHEN type LIKE 'account.%%' THEN NULL ELSE m.id END AS matter,
            CASE WHEN type LIKE 'document.%%'
                THEN pg_temp.id('document', (%(documents)s * b * b)::int)
                ELSE substr(h, 1, 32)::uuid END AS object,
            md5(p.n || '/' || day)::uuid AS session, md5('r' || i)::uuid AS request
          FROM (
            SELECT i, random() AS a, random() AS b, random() AS c, md5('e' || i) AS h,
                (random() * 999)::int AS lot, at, day
              FROM (
                SELECT i, day, %(start)s::timestamptz + make_interval(days => week * 7 + day,
                    secs => CASE WHEN part < .06 THEN part / .06 * 7
                        WHEN part < .94 THEN 7 + (part - .06) / .88 * 12
                        ELSE 19 + (part - .94) / .06 * 5 END * 3600) AS at
                  FROM (
                    SELECT i, week,
                        CASE WHEN w < .93 THEN floor(w / .186)::int
                            ELSE least(5 + floor((w - .93) / .035)::int, 6) END AS day,
                        CASE WHEN w < .93 THEN w / .186 - floor(w / .186)
                            ELSE (w - .93) / .035 - floor((w - .93) / .035) END AS part
                      FROM (
                        SELECT i, (i * 52 / %(events)s)::int AS week,
                            (i * 52 %% %(events)s)::float8 / %(events)s AS w
                          FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i) AS a
                    ) AS b) AS c) AS d
          JOIN lot AS l ON l.n = d.lot
          LEFT JOIN people AS p ON p.n = least((%(people)s * a * a)::int, %(people)s - 1)
               AND l.type <> 'document.indexed'
          JOIN matters AS m
            ON m.n = ((least((%(people)s * a * a)::int, %(people)s - 1) * 7
                       + (5 * c * c)::int * 131) %% %(matters)s)
        ) AS made) AS told
"""

_RARE = """
INSERT INTO compliance_event (event_id, recorded_at, type, actor, session, request, object, matter,
    outcome, header, leaf)
SELECT overlay(event_id::text PLACING 'b' FROM 20 FOR 1)::uuid, recorded_at, %s, actor, session,
       request, object, matter, %s, header, leaf
  FROM compliance_event TABLESAMPLE SYSTEM (0.2) REPEATABLE (1) LIMIT %s
"""

_MENTIONS = """
INSERT INTO compliance_mention (object, event_id)
SELECT object, event_id FROM compliance_event WHERE object IS NOT NULL
UNION ALL
SELECT pg_temp.id('document', (%(documents)s * random() * random())::int), event_id
  FROM compliance_event WHERE type = 'evidence.shown'
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a search can be for: a busy person, one who is not, a matter, a document."""

    busy: UUID
    quiet: UUID
    matter: UUID
    small_matter: UUID
    document: UUID
    begins: datetime


def make(address: str, *, events: int = EVENTS) -> Made:
    """Fill the record with a year of events up to now, as the database's administrator."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - YEAR
    start -= timedelta(days=start.weekday())
    with psycopg.connect(address, autocommit=True) as admin:
        _people(admin)
        _months(admin, start)
        indexes = _without_indexes(admin)
        # The record's triggers stay on for everybody else, who goes on recording.
        admin.execute("ALTER TABLE compliance_event ENABLE TRIGGER seal")
        half = events // 2
        halves = [
            threading.Thread(target=_half, args=(address, start, events, first, last))
            for first, last in ((0, half - 1), (half, events - 1))
        ]
        for thread in halves:
            thread.start()
        for thread in halves:
            thread.join()
        _prepare(admin)
        admin.execute(_RARE, [*RARE, events // 100_000])
        admin.execute(_MENTIONS, {"documents": DOCUMENTS - 1})
        for index in indexes:
            admin.execute(index)
        admin.execute("ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER seal")
        admin.execute("SELECT compliance_count_anew()")
        admin.execute("VACUUM ANALYZE compliance_event, compliance_mention")
        _count(admin)
        return _made(admin, start)


def _half(address: str, start: datetime, events: int, first: int, last: int) -> None:
    with psycopg.connect(address, autocommit=True) as admin:
        _prepare(admin)
        admin.execute("SELECT setseed(%s)", [first / events])
        admin.execute(
            _EVENTS,
            {
                "start": start,
                "events": events,
                "first": first,
                "last": last,
                "people": PEOPLE,
                "matters": MATTERS,
                "documents": DOCUMENTS - 1,
            },
        )


def _months(admin: "psycopg.Connection[Any]", start: datetime) -> None:
    """Partitions for the year, where the record has months."""
    found = admin.execute("SELECT to_regprocedure('compliance_make_month(date)')").fetchone()
    if found and found[0]:
        admin.execute(
            "SELECT compliance_make_month(month::date) FROM generate_series("
            "date_trunc('month', %s AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC',"
            " interval '1 month') AS month",
            [start],
        )


def _people(admin: "psycopg.Connection[Any]") -> None:
    admin.execute(
        "INSERT INTO accounts_user (public_id, username, display_name, roles, clearance, purposes,"
        " is_active, must_change_password, session_secret, created_at)"
        " SELECT gen_random_uuid(), 'bench-' || n, 'Person ' || n, '{staff}', 1, '{}', true, false,"
        " md5(random()::text), now() FROM generate_series(1, %s) AS n",
        [PEOPLE],
    )


def _prepare(admin: "psycopg.Connection[Any]") -> None:
    """Temporary tables that draw kinds of events, people and matters."""
    shares, first = [], 0
    for kind, outcome, share in SHARES:
        shares.append((kind, outcome, first, first + share - 1))
        first += share
    shares.append(("document.opened", "begun", first, 999))
    with psycopg.ClientCursor(admin) as cursor:
        columns = [list(column) for column in zip(*shares, strict=True)]
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
        cursor.execute(_HELPERS, [*columns, PEOPLE, MATTERS - 1])


def _without_indexes(admin: "psycopg.Connection[Any]") -> list[str]:
    """Drop the indexes that no constraint needs; returns how to make them."""
    found = admin.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = 'compliance_event'::regclass AND NOT indisprimary"
    ).fetchall()
    for name, _ in found:
        admin.execute(f"DROP INDEX {name}")
    return [definition.replace(" ON ONLY ", " ON ") for _, definition in found]


def _count(admin: "psycopg.Connection[Any]") -> None:
    """Count everything. The installation does so as well, one of the two at a time."""
    is_behind = "SELECT until < now() - interval '1 day' FROM compliance_tallied"
    for _ in range(2_000):
        waits = admin.execute("SELECT compliance_count() IS NULL").fetchone()
        if waits and waits[0]:
            time.sleep(0.1)
        elif (behind := admin.execute(is_behind).fetchone()) and not behind[0]:
            break
    admin.execute("VACUUM ANALYZE compliance_tally, compliance_tally_who")


def _made(admin: "psycopg.Connection[Any]", start: datetime) -> Made:
    def one(statement: str) -> Any:
        row = admin.execute(statement).fetchone()
        assert row is not None
        return row[0]

    ranked = (
        "SELECT who FROM compliance_tally_who"
        " WHERE span = 'month' AND side = '{}' AND who IS NOT NULL"
        " GROUP BY who ORDER BY sum(events) DESC LIMIT 1 OFFSET {}"
    )
    return Made(
        busy=one(ranked.format("actor", 0)),
        quiet=one(ranked.format("actor", 1_500)),
        matter=one(ranked.format("matter", 0)),
        small_matter=one(ranked.format("matter", MATTERS - 50)),
        document=one("SELECT md5('document' || 12000)::uuid"),
        begins=start,
    )
