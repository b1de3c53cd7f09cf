"""What an auditor looks for: qualifiers and form fields turned into one checked search.

    actor:carla -action:record.read matter:6f0e... after:2026-11-01 before:2026-12-01

The same qualifier twice means either; different qualifiers mean both; `-` in front excludes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from compliance.events import CATALOGUE, Outcome

LONGEST = 2_000
QUALIFIERS = ("actor", "action", "object", "matter", "outcome", "before", "after")

_TERM = re.compile(r'(?P<minus>-?)(?P<key>[a-z]+):(?P<value>"[^"]*"|\S+)|(?P<other>\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Values looked for, or kept out; an empty tuple stands for any."""

    actors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    objects: tuple[UUID, ...] = ()
    matters: tuple[UUID, ...] = ()
    outcomes: tuple[str, ...] = ()

    def count(self) -> int:
        """How many values there are."""
        values = (self.actors, self.actions, self.objects, self.matters, self.outcomes)
        return sum(len(value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A whole search. `after` is included, `before` is not. `problems` are sentences to show."""

    wanted: Terms = Terms()
    unwanted: Terms = Terms()
    after: datetime | None = None
    before: datetime | None = None
    problems: tuple[str, ...] = ()


class _Unclear(ValueError):
    """A term cannot be understood; the message is for the person who wrote it."""


def parse(text: str, fields: Mapping[str, str], *, zone: ZoneInfo) -> Search:
    """Read the qualifiers in `text` and the form's `fields`, which are named like qualifiers.

    Times without an offset are in `zone`. What cannot be understood is in `problems`.
    """
    search = Search()
    if len(text) > LONGEST:
        return Search(problems=(f"The search is longer than {LONGEST} characters. Shorten it.",))
    for excluded, key, value in _terms(text, fields):
        try:
            search = _with(search, excluded, key, value, zone)
        except _Unclear as unclear:
            search = replace(search, problems=(*search.problems, str(unclear)))
    return search


def _terms(text: str, fields: Mapping[str, str]) -> Iterable[tuple[bool, str, str]]:
    # PostgreSQL has no text with a NUL in it, and nobody is called so.
    for match in _TERM.finditer(text.replace("\x00", " ")):
        if match["other"]:
            yield False, "", match["other"]
        else:
            yield match["minus"] == "-", match["key"], match["value"].strip('"')
    for key in QUALIFIERS:
        if value := fields.get(key, "").replace("\x00", " ").strip():
            yield False, key, value


def _with(search: Search, excluded: bool, key: str, value: str, zone: ZoneInfo) -> Search:
    """The search with one more term."""
    if key == "after" and not excluded:
        return replace(search, after=_time(value, zone))
    if key == "before" and not excluded:
        return replace(search, before=_time(value, zone))
    side = search.unwanted if excluded else search.wanted
    if key == "actor":
        side = replace(side, actors=(*side.actors, value))
    elif key == "action":
        side = replace(side, actions=(*side.actions, *_actions(value)))
    elif key == "object":
        side = replace(side, objects=(*side.objects, _identifier(key, value)))
    elif key == "matter":
        side = replace(side, matters=(*side.matters, _identifier(key, value)))
    elif key == "outcome":
        side = replace(side, outcomes=(*side.outcomes, _outcome(value)))
    else:
        known = ", ".join(f"{name}:" for name in QUALIFIERS)
        raise _Unclear(f"“{key or value}” is not something to search by. Use {known}.")
    return replace(search, unwanted=side) if excluded else replace(search, wanted=side)


def _actions(value: str) -> tuple[str, ...]:
    """The types of event meant: one, or all of an area (`document` or `document.*`)."""
    if value in CATALOGUE:
        return (value,)
    area = value.removesuffix(".*") + "."
    found = tuple(name for name in CATALOGUE if name.startswith(area))
    if not found:
        raise _Unclear(f"There is no action “{value}”. Choose one from the list.")
    return found


def _identifier(key: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise _Unclear(f"“{value}” is not an id. Copy the whole {key} from an event.") from error


def _outcome(value: str) -> str:
    if value not in list(Outcome):
        raise _Unclear(f"There is no outcome “{value}”. Use {', '.join(Outcome)}.")
    return value


def _time(value: str, zone: ZoneInfo) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise _Unclear(f"“{value}” is not a time. Write 2026-11-24 or 2026-11-24T09:30.") from error
    return time if time.tzinfo else time.replace(tzinfo=zone)
