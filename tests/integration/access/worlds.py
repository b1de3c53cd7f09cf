"""Random worlds of rules, drawn as plain values."""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from assistant.access.rules import (
    Barrier,
    BarrierKind,
    Document,
    Emergency,
    Matter,
    Person,
    World,
)
from assistant.access.rules.changes import (
    Account,
    Change,
    Grant,
    GroupPlace,
    Labels,
    Lift,
    MatterClient,
    MemberPlace,
    TeamPlace,
)

PURPOSES = ("treatment", "billing", "research")
# Companies' names end in all sorts of ways.
NAMES = ("Falcon Holdings", "Heron & Co.", "Yahoo!", "Österreich AG", "Li")
WORDS = (
    "Nothing of note.",
    "Speaks of falcon\nholdings at length.",
    "A bid by HERON & CO. was expected.",
    "Yahoo! Again.",
    "The ÖSTERREICH AG replied.",
    "Lice, relief and alimony: not the man called Li-Wei, and not Falcons Holdings.",
    "She lives in Lima with the Herons.",
)
SPEAKS = {
    "Falcon Holdings": {WORDS[1]},
    "Heron & Co.": {WORDS[2]},
    "Yahoo!": {WORDS[3]},
    "Österreich AG": {WORDS[4]},
    "Li": {WORDS[5]},
}
"""Which of WORDS speak of which of NAMES, said by hand."""


def _ids(kind: int, count: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=(kind << 64) + number + 1) for number in range(count))


PEOPLE = tuple(900_000_001 + number for number in range(4))
GROUPS, CLIENTS, MATTERS, DOCUMENTS = _ids(1, 3), _ids(2, 2), _ids(3, 3), _ids(4, 5)
BARRIERS, EMERGENCIES = _ids(5, 9), _ids(6, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A document's new text: restricted lists look at it."""

    document: UUID
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A restricted list by names, before it is known which documents speak of them."""

    barrier: Barrier
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A world, what its documents say, the order its rows are written in, and later changes."""

    world: World
    words: Mapping[UUID, str]
    named: tuple[Named, ...]
    order: int
    changes: tuple[Change | Words | Named, ...]


def behind(named: Named, said: Mapping[UUID, frozenset[str]]) -> Barrier:
    """The barrier with the documents that speak of its names, or did in an earlier version."""
    speaking = {
        document
        for document, texts in said.items()
        if any(texts & SPEAKS[name] for name in named.names)
    }
    return replace(named.barrier, documents=named.barrier.documents | speaking)


def _some(values: Iterable[Any], most: int | None = None) -> st.SearchStrategy[frozenset[Any]]:
    pool = tuple(values)
    return st.frozensets(st.sampled_from(pool), max_size=len(pool) if most is None else most)


def _mostly() -> st.SearchStrategy[bool]:
    return st.integers(0, 9).map(lambda number: number < 9)


def _person(number: int) -> st.SearchStrategy[Person]:
    return st.builds(
        Person,
        id=st.just(number),
        clearance=st.sampled_from((1, 0, 2)),
        is_active=_mostly(),
        is_administrator=_mostly().map(operator.not_),
        groups=_some(GROUPS, 2),
    )


def _document(key: UUID, matters: tuple[UUID, ...]) -> st.SearchStrategy[Document]:
    return st.builds(
        Document,
        id=st.just(key),
        matter=st.sampled_from(matters),
        classification=st.sampled_from((0, 1, 2)),
        purposes=_some(PURPOSES, 2),
        is_restricted=st.booleans(),
        people=_some(PEOPLE, 2),
        groups=_some(GROUPS, 2),
        is_deleted=_mostly().map(operator.not_),
    )


@st.composite
def _named(draw: st.DrawFn, key: UUID) -> Named:
    target = draw(st.sampled_from(("matter", "client", "document", "names")))
    barrier = Barrier(
        id=key,
        kind=draw(st.sampled_from(BarrierKind)),
        matter=draw(st.sampled_from(MATTERS)) if target == "matter" else None,
        client=draw(st.sampled_from(CLIENTS)) if target == "client" else None,
        documents=frozenset({draw(st.sampled_from(DOCUMENTS))})
        if target == "document"
        else frozenset(),
        people=draw(_some(PEOPLE, 3)),
        groups=draw(_some(GROUPS, 1)),
    )
    names = draw(st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=2))
    return Named(barrier=barrier, names=names if target == "names" else frozenset())


@st.composite
def _emergency(draw: st.DrawFn, key: UUID) -> Emergency:
    now = datetime.now(UTC)
    opened, expires = draw(
        st.sampled_from(((-300, 1800), (-300, 1800), (-1800, -60), (None, None)))
    )
    return Emergency(
        id=key,
        person=draw(st.sampled_from(PEOPLE)),
        matter=draw(st.sampled_from(MATTERS)),
        document=draw(st.sampled_from((None, *DOCUMENTS))),
        opened_at=None if opened is None else now + timedelta(seconds=opened),
        expires_at=None if expires is None else now + timedelta(seconds=expires),
    )


def _change(spare: UUID) -> st.SearchStrategy[Change | Words | Named]:
    person, group = st.sampled_from(PEOPLE), st.sampled_from(GROUPS)
    matter, document = st.sampled_from(MATTERS), st.sampled_from(DOCUMENTS)
    present = st.booleans()
    return st.one_of(
        st.builds(MemberPlace, matter=matter, person=person, present=present),
        st.builds(TeamPlace, matter=matter, group=group, present=present),
        st.builds(GroupPlace, group=group, person=person, present=present),
        st.builds(Grant, document=document, person=person, present=present),
        st.builds(Grant, document=document, group=group, present=present),
        st.builds(
            Labels,
            document=document,
            classification=st.none() | st.sampled_from((0, 1, 2)),
            purposes=st.none() | _some(PURPOSES, 2),
            is_restricted=st.none() | st.booleans(),
        ),
        st.builds(Account, person=person, clearance=st.sampled_from((0, 1, 2))),
        st.builds(Account, person=person, is_active=st.booleans()),
        st.builds(MatterClient, matter=matter, client=st.sampled_from((None, *CLIENTS))),
        st.builds(Words, document=document, words=st.sampled_from(WORDS)),
        st.builds(Lift, barrier=st.sampled_from(BARRIERS)),
        _named(spare),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A world and what happens in it."""
    clients = (None, *CLIENTS)
    matters = {
        key: Matter(
            id=key,
            client=draw(st.sampled_from(clients)),
            members=draw(st.frozensets(st.sampled_from(PEOPLE), min_size=1)),
            teams=draw(_some(GROUPS, 2)),
        )
        for key in MATTERS
    }
    documents = {key: draw(_document(key, MATTERS)) for key in DOCUMENTS}
    named = tuple(draw(_named(key)) for key in BARRIERS[: draw(st.integers(0, 3))])
    emergencies = {key: draw(_emergency(key)) for key in EMERGENCIES[: draw(st.integers(0, 2))]}
    world = World(
        people={number: draw(_person(number)) for number in PEOPLE},
        matters=matters,
        documents=documents,
        emergencies=emergencies,
    )
    changes = [draw(_change(spare)) for spare in BARRIERS[3 : 3 + draw(st.integers(0, 6))]]
    return Case(
        world=world,
        words={key: draw(st.sampled_from(WORDS)) for key in DOCUMENTS},
        named=named,
        order=draw(st.integers(0, 99)),
        changes=tuple(changes),
    )


MOVES_BEHIND_A_WALL = Case(
    world=World(
        people={number: Person(id=number) for number in PEOPLE},
        matters={key: Matter(id=key, members=frozenset(PEOPLE)) for key in MATTERS},
        documents={key: Document(id=key, matter=MATTERS[0]) for key in DOCUMENTS},
    ),
    words=dict.fromkeys(DOCUMENTS, WORDS[0]),
    named=(
        Named(
            barrier=Barrier(
                id=BARRIERS[0],
                kind=BarrierKind.WALL,
                client=CLIENTS[0],
                people=frozenset(PEOPLE[:1]),
            ),
            names=frozenset(),
        ),
    ),
    order=0,
    changes=(MatterClient(matter=MATTERS[0], client=CLIENTS[0]),),
)
"""A matter whose new client stands behind a wall: rare among those drawn."""
