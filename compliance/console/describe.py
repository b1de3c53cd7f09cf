"""Say an event in a plain sentence, with people's names and without anybody's content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compliance.events import CATALOGUE

_ABOUT_SESSIONS = frozenset({"account.session_ended", "account.browser_named"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a sentence is made of: an event's columns and fields."""

    type: str
    actor: UUID | None
    object: UUID | None
    matter: UUID | None
    fields: Mapping[str, Any]


def sentence(told: Told, names: Mapping[UUID, str]) -> str:
    """One sentence about an event. `names` gives people's names and matters' references by ids.

    An event of a type this version does not know is named by its type.
    """
    kind = CATALOGUE.get(told.type)
    template = kind.says if kind else "{actor}: " + told.type
    words = {name: _words(value) for name, value in told.fields.items()}
    words["actor"] = _person(told.actor, names)
    words["object"] = _object(told, names)
    words["matter"] = _matter(told.matter, names)
    return template.format_map(_Lenient(words))


def short(identifier: UUID) -> str:
    """The end of an id: its beginning is a time in some kinds of id, and alike for neighbours."""
    return "…" + str(identifier)[-8:]


def _person(identifier: UUID | None, names: Mapping[UUID, str]) -> str:
    if identifier is None:
        return "The system"
    return names.get(identifier) or f"person {short(identifier)}"


def _matter(identifier: UUID | None, names: Mapping[UUID, str]) -> str:
    if identifier is None:
        return "no matter"
    return f"matter {names.get(identifier) or short(identifier)}"


def _object(told: Told, names: Mapping[UUID, str]) -> str:
    if told.object is not None and told.object in names:
        return names[told.object]
    area = told.type.partition(".")[0]
    noun = "session" if told.type in _ABOUT_SESSIONS else area
    article = "an" if noun[:1] in "aeiou" else "a"
    return f"{noun} {short(told.object)}" if told.object else f"{article} unknown {noun}"


def _words(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list):
        if any(isinstance(part, dict) for part in value):
            return str(len(value))
        return ", ".join(str(part) for part in value) or "none"
    return str(value).replace("_", " ")


class _Lenient(dict[str, str]):
    """An older event may lack a field that its sentence names by now."""

    def __missing__(self, key: str) -> str:
        return "unknown"
