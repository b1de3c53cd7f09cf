"""The world of a time, from the facts that the database kept of it (`auth.fact`)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assistant.access.rules.values import (
    Barrier,
    BarrierKind,
    Document,
    Emergency,
    Matter,
    Person,
    World,
)

Fact = tuple[str, Mapping[str, Any]]
"""A kind (`member`, `barrier`, …) and its data, as `auth.facts_in` gives them."""

ADMINISTRATOR = "administrator"


def world_of(facts: Iterable[Fact]) -> World:
    """The rules that these facts are. What they do not mention does not exist."""
    kept: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for kind, data in facts:
        kept[kind].append(data)
    return World(
        people={person.id: person for person in _people(kept)},
        matters={matter.id: matter for matter in _matters(kept)},
        documents={document.id: document for document in _documents(kept)},
        barriers={barrier.id: barrier for barrier in _barriers(kept)},
        emergencies={emergency.id: emergency for emergency in _emergencies(kept)},
    )


Kept = Mapping[str, list[Mapping[str, Any]]]


def _people(kept: Kept) -> Iterable[Person]:
    groups = _gathered(kept["place"], "user_id", "group_id", UUID)
    for data in kept["person"]:
        yield Person(
            id=data["id"],
            clearance=data["clearance"],
            is_active=data["is_active"],
            is_administrator=ADMINISTRATOR in data.get("roles", ()),
            purposes=frozenset(data["purposes"]),
            groups=groups[data["id"]],
        )


def _matters(kept: Kept) -> Iterable[Matter]:
    members = _gathered(kept["member"], "matter_id", "user_id", int)
    teams = _gathered(kept["team"], "matter_id", "group_id", UUID)
    for data in kept["matter"]:
        yield Matter(
            id=UUID(data["id"]),
            client=_id(data["client_id"]),
            members=members[data["id"]],
            teams=teams[data["id"]],
        )


def _documents(kept: Kept) -> Iterable[Document]:
    people = _gathered(kept["grant"], "document_id", "user_id", int)
    groups = _gathered(kept["grant"], "document_id", "group_id", UUID)
    for data in kept["document"]:
        yield Document(
            id=UUID(data["id"]),
            matter=UUID(data["matter_id"]),
            classification=data["classification"],
            purposes=frozenset(data["purposes"]),
            is_restricted=data["is_restricted"],
            people=people[data["id"]],
            groups=groups[data["id"]],
            is_deleted=data["deleted_at"] is not None,
        )


def _barriers(kept: Kept) -> Iterable[Barrier]:
    people = _gathered(kept["subject"], "barrier_id", "user_id", int)
    groups = _gathered(kept["subject"], "barrier_id", "group_id", UUID)
    documents = _gathered(kept["behind"], "barrier", "document", UUID)
    for data in kept["barrier"]:
        if data["lifted_at"] is None:
            yield Barrier(
                id=UUID(data["id"]),
                kind=BarrierKind(data["kind"]),
                matter=_id(data["matter_id"]),
                client=_id(data["client_id"]),
                documents=documents[data["id"]],
                people=people[data["id"]],
                groups=groups[data["id"]],
            )


def _emergencies(kept: Kept) -> Iterable[Emergency]:
    for data in kept["emergency"]:
        yield Emergency(
            id=UUID(data["id"]),
            person=data["person_id"],
            matter=UUID(data["matter_id"]),
            document=_id(data["document_id"]),
            opened_at=_time(data["opened_at"]),
            expires_at=_time(data["expires_at"]),
        )


def _gathered(
    rows: Iterable[Mapping[str, Any]], by: str, what: str, kind: type[Any]
) -> defaultdict[Any, frozenset[Any]]:
    """The values of one field by another, as sets; nulls are left out."""
    found: defaultdict[Any, set[Any]] = defaultdict(set)
    for row in rows:
        if row[what] is not None:
            found[row[by]].add(kind(row[what]))
    return defaultdict(frozenset, {key: frozenset(values) for key, values in found.items()})


def _id(value: str | None) -> UUID | None:
    return UUID(value) if value else None


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
