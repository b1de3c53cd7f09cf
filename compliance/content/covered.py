"""Which events an erasure covers, what stands against it, and what it does not reach."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone


class Scope(StrEnum):
    """What an erasure's target is. By person: what they wrote and what they were shown."""

    EVENT = "event"
    MATTER = "matter"
    PERSON = "person"


# Why content was unlocked, held and erased is the account of what was done to it. By matter or by
# person it stays; why something was unlocked can be erased event by event.
_IN = {
    Scope.EVENT: "e.event_id = %(target)s and e.type not like 'hold.%%'"
    " and e.type not like 'erasure.%%'",
    Scope.MATTER: "e.matter = %(target)s and e.type not like 'hold.%%'"
    " and e.type not like 'erasure.%%' and e.type not like 'content.%%'",
    Scope.PERSON: "e.actor = %(target)s and e.type not like 'hold.%%'"
    " and e.type not like 'erasure.%%' and e.type not like 'content.%%'",
}
_TO_COME = """
  from compliance_event e join compliance_content c on c.event_id = e.event_id
 where {condition}
   and not exists (select from compliance_erased x
                    where x.event_id = e.event_id and x.erasure_id <> %(erasure)s)
"""
_HELD = """
select h.id, h.reference from compliance_hold h
 where h.lifted_at is null and exists (
   select from compliance_event e join compliance_content c on c.event_id = e.event_id
    where {condition}
      and (h.matter is null or h.matter = e.matter)
      and (h.person is null or h.person = e.actor or exists (
           select from compliance_mention m where m.event_id = e.event_id and m.object = h.person))
      and (h.since is null or e.recorded_at >= h.since)
      and (h.until is null or e.recorded_at < h.until))
 order by h.placed_at limit 1
"""
_APPROVED = """
  from compliance_erased x join compliance_content c on c.event_id = x.event_id
 where x.erasure_id = %(erasure)s
"""
_BATCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be erased, for which erasure."""

    scope: Scope
    id: UUID
    erasure: UUID

    @property
    def values(self) -> dict[str, Any]:
        return {"target": self.id, "erasure": self.erasure}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many events there are, from when to when."""

    events: int
    first: datetime | None
    last: datetime | None


def extent(target: Target) -> Extent:
    """What an erasure would cover now."""
    ((events, first, last),) = _rows(
        "select count(*), min(e.recorded_at), max(e.recorded_at)" + _to_come(target), target
    )
    return Extent(events=events, first=first, last=last)


def hold_on(target: Target) -> tuple[UUID, str] | None:
    """The oldest standing hold on any of it: its id and what the house calls it."""
    found = _rows(_HELD.format(condition=_IN[target.scope]), target)
    return (found[0][0], found[0][1]) if found else None


def kept_until(newest: datetime) -> datetime | None:
    """Until when a duty to keep runs for content of that time; None when it is over."""
    until = newest + timedelta(days=settings.CONTENT_DAYS)
    return until if until > timezone.now() else None


def cover(target: Target) -> int:
    """Write down which events an approved erasure covers; returns how many were added."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into compliance_erased (event_id, erasure_id) select e.event_id, %(erasure)s"
            + _to_come(target)
            + " on conflict (event_id) do nothing",
            target.values,
        )
        return int(cursor.rowcount)


def digest_of(target: Target) -> str:
    """SHA-256 over a line for each event that is covered: its id and its ciphertext's SHA-256."""
    digest = hashlib.sha256()
    for event_id, _, sha256 in _approved(target):
        digest.update(f"{event_id} {bytes(sha256).hex()}\n".encode())
    return digest.hexdigest()


def keys_of(target: Target) -> Iterator[UUID]:
    """The keys of all events that are covered."""
    for _, key_id, _ in _approved(target):
        yield key_id


def remains_of(target: Target) -> dict[str, int]:
    """What the application's own tables still hold of a matter or a person: rows by place."""
    if target.scope is Scope.EVENT:
        return {}
    wanted: dict[str, Any] = {scope.value: None for scope in Scope}
    wanted[target.scope.value] = target.id
    with connection.cursor() as cursor:
        cursor.execute(
            "select place, held from auth.remains_of(%(matter)s::uuid, %(person)s::uuid)", wanted
        )
        return {place: int(held) for place, held in cursor.fetchall()}


def _approved(target: Target) -> Iterator[tuple[Any, ...]]:
    """The rows that are covered by id, in batches: a matter may have a million."""
    after: UUID | None = None
    while True:
        rows = _rows(
            "select c.event_id, c.key_id, c.sha256"
            + _APPROVED
            + (" and c.event_id > %(after)s" if after else "")
            + f" order by c.event_id limit {_BATCH}",
            target,
            after=after,
        )
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]


def _to_come(target: Target) -> str:
    return _TO_COME.format(condition=_IN[target.scope])


def _rows(statement: str, target: Target, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, target.values | more)
        return list(cursor.fetchall())
