"""Events as lines of the table and as the details of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compliance.console import integrity, reading
from compliance.console.describe import Told, sentence, short
from compliance.console.integrity import Mark
from compliance.models import RecordedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event as a line of the table. Names are empty where there is none."""

    event: RecordedEvent
    sentence: str
    actor_name: str
    object_name: str
    matter_name: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """A field of an event for the page: one value, or the lines of several."""

    name: str
    value: str
    parts: list[str]


def rows(events: Iterable[RecordedEvent]) -> list[Row]:
    """Lines for events, with the names of people and matters, and whether each is as it was."""
    events = list(events)
    ids = {value for event in events for value in (event.actor, event.object, event.matter)}
    names = reading.names_of(ids)
    marks = integrity.marks(events)
    return [_row(event, names, marks[event.event_id]) for event in events]


def _row(event: RecordedEvent, names: dict[UUID, str], mark: Mark) -> Row:
    return Row(
        event=event,
        sentence=sentence(_told(event), names),
        actor_name=_name(event.actor, names),
        object_name=_name(event.object, names),
        matter_name=_name(event.matter, names),
        mark=mark,
    )


def _name(identifier: UUID | None, names: dict[UUID, str]) -> str:
    return (names.get(identifier) or short(identifier)) if identifier else ""


def shown(fields: dict[str, Any]) -> Sequence[ShownField]:
    """The fields of an event alone, for reading; those that say nothing are left to the header."""
    return [_shown(name, value) for name, value in fields.items() if value not in (None, [])]


def _shown(name: str, value: Any) -> ShownField:
    if not isinstance(value, list):
        return ShownField(name=name, value=str(value), parts=[])
    parts = [
        ", ".join(f"{key} {kept}" for key, kept in part.items())
        if isinstance(part, dict)
        else str(part)
        for part in value
    ]
    return ShownField(name=name, value="", parts=parts)


def _told(event: RecordedEvent) -> Told:
    return Told(
        type=event.type,
        actor=event.actor,
        object=event.object,
        matter=event.matter,
        fields=event.said()["fields"],
    )
