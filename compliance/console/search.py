"""What an auditor looks for: qualifiers and form fields turned into one checked search.

    actor:carla -action:record.read matter:2024-118 after:2026-11-01 before:2026-12-01

The same qualifier twice means either; different qualifiers mean both; `-` in front excludes.
`actor:none` is the system itself, `matter:none` is what belongs to no matter.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from compliance.console.span import NotASpan, moment
from compliance.events import CATALOGUE, Outcome

LONGEST = 2_000
QUALIFIERS = ("actor", "action", "object", "matter", "outcome", "before", "after")
NONE = "none"

_TERM = re.compile(r'(?P<minus>-?)(?P<key>[a-z]+):(?P<value>"[^"]*"|\S+)|(?P<other>\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One qualifier as it was written; `key` is empty for a word without one."""

    excluded: bool
    key: str
    value: str

    def __str__(self) -> str:
        bare = self.value and not re.search(r'[\s"]', self.value)
        value = self.value if bare else '"' + self.value.replace('"', "") + '"'
        return f"{'-' if self.excluded else ''}{self.key}:{value}" if self.key else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Values looked for, or kept out; an empty tuple stands for any."""

    actors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    objects: tuple[UUID, ...] = ()
    matters: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()


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


def parse(
    text: str, fields: Mapping[str, str], *, zone: ZoneInfo, now: datetime | None = None
) -> Search:
    """Read the qualifiers in `text` and the form's `fields`, which are named like qualifiers.

    Times without an offset are in `zone`. What cannot be understood is in `problems`.
    """
    search = Search()
    if len(text) > LONGEST:
        return Search(problems=(f"The search is longer than {LONGEST} characters. Shorten it.",))
    for term in terms_in(text, fields):
        try:
            search = _with(search, term, zone, now or datetime.now(UTC))
        except _Unclear as unclear:
            search = replace(search, problems=(*search.problems, str(unclear)))
    if search.after and search.before and search.after >= search.before and not search.problems:
        backwards = "The time range ends before it begins. Exchange after: and before:."
        search = replace(search, problems=(backwards,))
    return search


def terms_in(text: str, fields: Mapping[str, str]) -> list[Term]:
    """The terms of a search in the order they were written."""
    return list(_terms(text[:LONGEST], fields))


def written(terms: Iterable[Term]) -> str:
    """The terms as one line of qualifiers, each once."""
    return " ".join(dict.fromkeys(str(term) for term in terms))


def _terms(text: str, fields: Mapping[str, str]) -> Iterable[Term]:
    # PostgreSQL has no text with a NUL in it, and nobody is called so.
    for match in _TERM.finditer(text.replace("\x00", " ")):
        if match["other"]:
            yield Term(excluded=False, key="", value=match["other"])
        else:
            value = match["value"].strip('"')
            yield Term(excluded=match["minus"] == "-", key=match["key"], value=value)
    for key in QUALIFIERS:
        if value := fields.get(key, "").replace("\x00", " ").strip():
            yield Term(excluded=False, key=key, value=value)


def _with(search: Search, term: Term, zone: ZoneInfo, now: datetime) -> Search:
    """The search with one more term."""
    key, value = term.key, term.value
    if key == "after" and not term.excluded:
        return replace(search, after=_time(value, zone, now))
    if key == "before" and not term.excluded:
        return replace(search, before=_time(value, zone, now))
    side = search.unwanted if term.excluded else search.wanted
    if key == "actor":
        side = replace(side, actors=(*side.actors, value))
    elif key == "action":
        side = replace(side, actions=(*side.actions, *_actions(value)))
    elif key == "object":
        side = replace(side, objects=(*side.objects, _identifier(value)))
    elif key == "matter":
        side = replace(side, matters=(*side.matters, value))
    elif key == "outcome":
        side = replace(side, outcomes=(*side.outcomes, _outcome(value)))
    else:
        known = ", ".join(f"{name}:" for name in QUALIFIERS)
        raise _Unclear(f"“{key or value}” is not something to search by. Use {known}.")
    return replace(search, unwanted=side) if term.excluded else replace(search, wanted=side)


def _actions(value: str) -> tuple[str, ...]:
    """The types of event meant: one, or all of an area (`document` or `document.*`)."""
    if value in CATALOGUE:
        return (value,)
    area = value.removesuffix(".*") + "."
    found = tuple(name for name in CATALOGUE if name.startswith(area))
    if not found:
        raise _Unclear(
            f"There is no action “{value}”. Write one like document.opened, or document."
        )
    return found


def _identifier(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise _Unclear(f"“{value}” is not an id. Copy the whole object from an event.") from error


def _outcome(value: str) -> str:
    if value not in list(Outcome):
        raise _Unclear(f"There is no outcome “{value}”. Use {', '.join(Outcome)}.")
    return value


def _time(value: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        return moment(value, zone=zone, now=now)
    except NotASpan as error:
        raise _Unclear(
            f"“{value}” is not a time. Write 2026-11-24, 2026-11, 2026-11-24T09:30, or 7d for"
            " seven days ago."
        ) from error
