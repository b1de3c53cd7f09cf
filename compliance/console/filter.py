"""A search with names turned into ids, and the conditions on rows that it comes to.

Each condition is one that may enter an index beneath row security: its operator is leakproof.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from compliance.events import Outcome

Who = UUID | None
"""A person or a matter; None stands for none."""

CLOCKS = timedelta(minutes=1)
"""How far the time in an event's id may be from the event's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are meant. None, and for lists without a None an empty one, stand for any."""

    actors: tuple[Who, ...] | None = None
    matters: tuple[Who, ...] | None = None
    actions: tuple[str, ...] = ()
    outcomes: tuple[str, ...] | None = None
    objects: tuple[UUID, ...] = ()
    not_actors: tuple[Who, ...] = ()
    not_matters: tuple[Who, ...] = ()
    not_actions: tuple[str, ...] = ()
    not_objects: tuple[UUID, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    @property
    def names_who(self) -> bool:
        """Whether it is about certain people or matters."""
        return self.actors is not None or self.matters is not None


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of a statement with its values."""

    text: str
    values: tuple[Any, ...] = ()


def joined(pieces: Iterable[Sql], by: str) -> Sql:
    """Pieces in a row."""
    pieces = list(pieces)
    values = tuple(value for piece in pieces for value in piece.values)
    return Sql(by.join(piece.text for piece in pieces), values)


def outcomes_left(wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[str, ...] | None:
    """The outcomes that are meant; None for all. Few are asked for by name, and those by index."""
    if not wanted and not unwanted:
        return None
    return tuple(one for one in wanted or list(Outcome) if one not in unwanted)


def about(meant: Filter) -> Sql:
    """What events are about: the filter without objects and time."""
    pieces = [
        *_is_in("actor", meant.actors),
        *_is_in("matter", meant.matters),
        *_is_not_in("actor", meant.not_actors),
        *_is_not_in("matter", meant.not_matters),
    ]
    return joined([kinds(meant), *pieces], " AND ")


def kinds(meant: Filter) -> Sql:
    """Of which kinds events are, and rows of the tally as well: actions and outcomes."""
    pieces = [
        *_is_in("type", meant.actions or None),
        *_is_in("outcome", meant.outcomes),
        *_is_not_in("type", meant.not_actions),
    ]
    return joined([Sql("true"), *pieces], " AND ")


def names_any_of(actors: Sequence[Who], matters: Sequence[Who]) -> Sql:
    """Rows that are about any of these people or matters."""
    pieces = [*_is_in("actor", actors or None), *_is_in("matter", matters or None)]
    return Sql(f"({joined(pieces, ' OR ').text})", joined(pieces, " OR ").values)


def mentions(
    objects: Sequence[UUID], *, during: tuple[datetime | None, datetime | None], most: int
) -> Sql:
    """The ids of the newest events of a time that name any of `objects`, at most so many."""
    after, before = during
    pieces = _is_in("object", objects)
    if after:
        pieces.append(Sql("event_id >= %s", (first_id(after - CLOCKS),)))
    if before:
        pieces.append(Sql("event_id < %s", (first_id(before + CLOCKS),)))
    where = joined(pieces, " AND ")
    return Sql(
        f"SELECT event_id FROM compliance_mention WHERE {where.text}"
        f" ORDER BY event_id DESC LIMIT {most}",
        where.values,
    )


def within(after: datetime | None, before: datetime | None) -> Sql:
    """Events of a time. An id begins with its time, by which the months are told apart."""
    pieces = []
    if after:
        pieces.append(
            Sql("recorded_at >= %s AND event_id >= %s", (after, first_id(after - CLOCKS)))
        )
    if before:
        pieces.append(
            Sql("recorded_at < %s AND event_id < %s", (before, first_id(before + CLOCKS)))
        )
    return joined([Sql("true"), *pieces], " AND ")


def first_id(time: datetime) -> UUID:
    """The smallest id of version 7 that begins with a time (RFC 9562 section 5.7)."""
    milliseconds = int(time.timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def _is_in(column: str, values: Sequence[Who | str] | None) -> list[Sql]:
    if values is None:
        return []
    some = [value for value in values if value is not None]
    pieces = []
    if len(some) == 1:
        # Rows come in the order of an index for one value only.
        pieces.append(Sql(f"{column} = %s", (some[0],)))
    elif some or None not in values:
        pieces.append(Sql(f"{column} = ANY(%s::{_kind(column)}[])", (some,)))
    if None in values:
        pieces.append(Sql(f"{column} IS NULL"))
    either = joined(pieces, " OR ")
    return [Sql(f"({either.text})", either.values)]


def _is_not_in(column: str, values: Sequence[Who | str]) -> list[Sql]:
    some = [value for value in values if value is not None]
    pieces = []
    if some:
        nobody = "" if None in values or _kind(column) == "text" else f"{column} IS NULL OR "
        pieces.append(Sql(f"({nobody}{column} <> ALL(%s::{_kind(column)}[]))", (some,)))
    if None in values:
        pieces.append(Sql(f"{column} IS NOT NULL"))
    return pieces


def _kind(column: str) -> str:
    return "text" if column in ("type", "outcome") else "uuid"
