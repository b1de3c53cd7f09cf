"""Puts the derived corpus into an installation: matters, people of every level, passages, words.

What a trigger or a verb of the product would do passage by passage is done here in bulk, by the
database's administrator; the rights themselves are made by the product's own triggers.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connections, transaction

from assistant.access.models import Level, Matter, Membership
from assistant.access.upkeep import OWNER
from assistant.accounts.models import User
from assistant.documents.models import Document, State, Version
from assistant.documents.terms import terms_of
from tests.bench.many import IN_A_DOCUMENT, SEED, Base, Derived
from tests.people import Person, make_person

MATTERS = 600
TINY, SMALL = 2, 20
"""Documents of the five matters that the people of 0.01 % and 0.1 % see."""

AT_ONCE = 20
"""Matters that grow at the same time: documents of that many are mixed in the order of intake."""

PEOPLE = 5
LEVELS = ("50 %", "10 %", "1 %", "0.1 %", "0.01 %", "one domain")


@dataclass(frozen=True, kw_only=True)
class House:
    """The people of each level, who leads all matters, and the group of each passage."""

    people: dict[str, list[Person]]
    tokens: dict[str, list[str]]
    lead_token: str
    group_of: dict[uuid.UUID, int]
    passages: "np.ndarray[Any, Any]"
    groups: "np.ndarray[Any, Any]"


def build(real: Base, made: Derived, admin: str, stack: ExitStack) -> House:
    """Everything in place, but nothing trained. Sessions close with `stack`."""
    lead = make_person("lead", "staff", "knowledge_manager")
    matter_of = _matter_of_documents(made)
    matters = _matters(lead.user)
    people = _people(matters, matter_of, made)
    order = np.argsort(
        matter_of + np.random.default_rng(SEED).uniform(0, AT_ONCE, len(matter_of)), kind="stable"
    )
    versions = _documents(matters, matter_of, order, lead.user)
    with psycopg.connect(admin, autocommit=True) as database:
        groups, passages = _copy(database, real, made, matters, matter_of, order, versions)
        _words(database, real, made, order)
        database.execute("analyze")
    tokens = {
        level: [stack.enter_context(person.acting()).token for person in several]
        for level, several in people.items()
    }
    return House(
        people=people,
        tokens=tokens,
        lead_token=stack.enter_context(lead.acting()).token,
        group_of={matter.id: matter.acl_group for matter in matters},
        passages=passages,
        groups=groups,
    )


def _matter_of_documents(made: Derived) -> "np.ndarray[Any, Any]":
    """Matters follow topics: documents of one domain stand in a row of matters."""
    documents = len(made.copied) // IN_A_DOCUMENT
    sizes = [TINY] * PEOPLE + [SMALL] * PEOPLE
    rest = documents - sum(sizes)
    ends = np.linspace(0, rest, MATTERS - len(sizes) + 1).astype(int)
    sizes += np.diff(ends).tolist()
    domain = made.domain[::IN_A_DOCUMENT]
    matter_of = np.empty(documents, dtype=np.int64)
    matter_of[np.argsort(domain, kind="stable")] = np.repeat(np.arange(MATTERS), sizes)
    return matter_of


def _matters(lead: User) -> list[Matter]:
    with transaction.atomic(using=OWNER):
        Matter.objects.using(OWNER).bulk_create(
            Matter(reference=f"bench-{number}", name="A matter", created_by=lead)
            for number in range(MATTERS)
        )
        matters = {
            matter.reference: matter
            for matter in Matter.objects.using(OWNER).filter(reference__startswith="bench-")
        }
        made = [matters[f"bench-{number}"] for number in range(MATTERS)]
        Membership.objects.using(OWNER).bulk_create(
            Membership(matter=matter, user=lead, level=Level.LEAD, added_by=lead)
            for matter in made
        )
    return made


def _people(
    matters: Sequence[Matter], matter_of: Any, made: Derived
) -> dict[str, list[Person]]:
    random = np.random.default_rng(SEED)
    usual = np.arange(2 * PEOPLE, len(matters))
    domains = np.zeros((len(matters), 3), dtype=int)
    np.add.at(domains, (matter_of, made.domain[::IN_A_DOCUMENT]), 1)
    main = domains.argmax(axis=1)
    chosen: dict[str, list[Any]] = {
        "50 %": [random.choice(usual, len(matters) // 2, replace=False) for _ in range(PEOPLE)],
        "10 %": [random.choice(usual, len(matters) // 10, replace=False) for _ in range(PEOPLE)],
        "1 %": [random.choice(usual, len(matters) // 100, replace=False) for _ in range(PEOPLE)],
        "0.1 %": [[PEOPLE + number] for number in range(PEOPLE)],
        "0.01 %": [[number] for number in range(PEOPLE)],
        "one domain": [usual[main[usual] == domain] for domain in range(3)],
    }
    people: dict[str, list[Person]] = {}
    for level, several in chosen.items():
        people[level] = [make_person("bench") for _ in several]
        for person, numbers in zip(people[level], several, strict=True):
            Membership.objects.using(OWNER).bulk_create(
                Membership(
                    matter=matters[number],
                    user=person.user,
                    level=Level.MEMBER,
                    added_by=matters[number].created_by,
                )
                for number in map(int, numbers)
            )
    return people


def _documents(
    matters: Sequence[Matter], matter_of: Any, order: Any, lead: User
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """A document with one version for each place in `order`: their ids."""
    documents = [
        Document(
            matter=matters[matter_of[number]],
            acl_group=matters[matter_of[number]].acl_group,
            title=f"Document {number}",
            created_by=lead,
        )
        for number in order
    ]
    versions = [
        Version(
            document=document,
            acl_group=document.acl_group,
            number=1,
            sha256="0" * 64,
            size=1,
            state=State.INDEXED,
            passage_count=IN_A_DOCUMENT,
            uploaded_by=lead,
        )
        for document in documents
    ]
    with transaction.atomic(using=OWNER):
        Document.objects.using(OWNER).bulk_create(documents, batch_size=2_000)
        Version.objects.using(OWNER).bulk_create(versions, batch_size=2_000)
        with connections[OWNER].cursor() as cursor:
            cursor.execute(
                "update documents_document d set live_version_id = v.id"
                " from documents_version v where v.document_id = d.id and v.sha256 = %s",
                ["0" * 64],
            )
    return [(version.document_id, version.id) for version in versions]


def _copy(
    database: "psycopg.Connection[Any]",
    real: Base,
    made: Derived,
    matters: Sequence[Matter],
    matter_of: Any,
    order: Any,
    versions: Sequence[tuple[uuid.UUID, uuid.UUID]],
) -> tuple[Any, Any]:
    """Passages and vectors in the order of intake; for each row of `made` its group and its id."""
    groups = np.array([matters[number].acl_group for number in matter_of]).repeat(IN_A_DOCUMENT)
    (first,) = database.execute(
        "select nextval('documents_passage_id_seq') from generate_series(1, %s) limit 1",
        [len(groups)],
    ).fetchone() or (0,)
    rows = (order[:, None] * IN_A_DOCUMENT + np.arange(IN_A_DOCUMENT)).ravel()
    ids = np.empty(len(rows), dtype=np.int64)
    ids[rows] = first + np.arange(len(rows))
    with database.transaction(), database.cursor() as cursor:
        with cursor.copy(
            "copy documents_passage (id, version_id, document_id, acl_group, ordinal, page, start,"
            ' "end", text, digest) from stdin'
        ) as copy:
            for place, row in enumerate(rows.tolist()):
                document, version = versions[place // IN_A_DOCUMENT]
                text = real.texts[made.copied[row]]
                ordinal = place % IN_A_DOCUMENT
                copy.write_row(
                    (int(ids[row]), version, document, int(groups[row]), ordinal, 1, 0, len(text),
                     text, b"")
                )
        with cursor.copy(
            "copy documents_passagevector (passage_id, acl_group, cell, embedding)"
            " from stdin (format binary)"
        ) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for piece in _binary(rows, ids, groups, made):
                copy.write(piece)
            copy.write(b"\xff\xff")
        cursor.execute("select setval('documents_passage_id_seq', %s)", [int(ids.max())])
    return groups, ids


def _binary(rows: Any, ids: Any, groups: Any, made: Derived) -> Iterator[bytes]:
    """Rows in PostgreSQL's binary form: 384 halves are a field of 772 bytes."""
    shape = np.dtype(
        [
            ("fields", ">i2"),
            ("l1", ">i4"), ("passage", ">i8"),
            ("l2", ">i4"), ("group", ">i4"),
            ("l3", ">i4"), ("cell", ">i4"),
            ("l4", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f2", (384,)),
        ]
    )
    for begin in range(0, len(rows), 10_000):
        part = rows[begin : begin + 10_000]
        record = np.zeros(len(part), dtype=shape)
        record["fields"], record["l1"], record["l2"], record["l3"], record["l4"] = 4, 8, 4, 4, 772
        record["passage"], record["group"] = ids[part], groups[part]
        record["dimensions"], record["vector"] = 384, made.embedded[part]
        yield record.tobytes()


def _words(
    database: "psycopg.Connection[Any]", real: Base, made: Derived, order: Any
) -> None:
    """Postings: each passage has four of five of its original's words, and a neighbour's others."""
    with database.cursor() as cursor:
        cursor.execute("create temp table term (base int, term text, frequency int, words int)")
        with cursor.copy("copy term from stdin") as copy:
            for number, text in enumerate(real.texts):
                counted = Counter(terms_of(text))
                length = sum(counted.values())
                for term, frequency in counted.items():
                    copy.write_row((number, term, frequency, length))
        cursor.execute(
            "create temp table copied (passage bigint, acl_group int, own int, other int)"
        )
        rows = (order[:, None] * IN_A_DOCUMENT + np.arange(IN_A_DOCUMENT)).ravel()
        known = cursor.execute(
            "select id, acl_group from documents_passage where digest = '' order by id"
        ).fetchall()
        with cursor.copy("copy copied from stdin") as copy:
            for (passage, group), row in zip(known, rows.tolist(), strict=True):
                copy.write_row((passage, group, int(made.copied[row]), int(made.neighbour[row])))
        cursor.execute("create index on term (base)")
        cursor.execute("analyze term, copied")
        cursor.execute("set maintenance_work_mem = '1GB'; set work_mem = '256MB'")
        _postings(cursor)


def _postings(cursor: Any) -> None:
    cursor.execute("alter table documents_posting disable trigger all")
    cursor.execute("drop index postings_of_a_passage")
    cursor.execute("alter table documents_posting drop constraint documents_posting_pkey")
    cursor.execute(
        """
        insert into documents_posting (term, acl_group, passage_id, frequency, words)
        select t.term, c.acl_group, c.passage, max(t.frequency), max(t.words)
          from copied c, lateral (
            select term, frequency, words from term where base = c.own
               and abs(hashint8(c.passage * 31 + hashtext(term))) % 5 > 0
            union all
            select term, frequency, words from term where base = c.other
               and abs(hashint8(c.passage * 31 + hashtext(term))) % 5 = 0) t
         group by c.passage, c.acl_group, t.term
        """
    )
    cursor.execute(
        "alter table documents_posting add primary key (term, acl_group, passage_id)"
        " include (frequency, words)"
    )
    cursor.execute("create index postings_of_a_passage on documents_posting (passage_id)")
    cursor.execute("alter table documents_posting enable trigger all")
    cursor.execute(
        "insert into auth.term_count"
        " select term, acl_group, count(*) from documents_posting group by term, acl_group"
        " on conflict (term, acl_group) do update set passages = excluded.passages"
    )
    cursor.execute(
        """
        update auth.acl_group g set words = n.words
          from (select acl_group, sum(frequency) as words from documents_posting group by 1) n
         where g.id = n.acl_group
        """
    )
