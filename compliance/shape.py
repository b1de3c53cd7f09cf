"""What an event may be made of: references, commitments, counts and words, never anybody's text.

ComplianceError
├── NotAnEvent          the event is not in the catalogue, or a field holds something else
├── NotInTransaction    the caller has no transaction in which the action would happen
└── NotRecorded         the database refused or did not answer: the action must not happen
    └── AlreadyRecorded the same event id is in the record already
"""

import re
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from compliance.canonical import Value

Word = str
"""A name out of a fixed set or of a machine: letters, digits and `_ . : / + -`, no spaces."""

Reference = UUID | int
"""An identifier of a row whose key may be a UUID or a number."""

_WORD = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9_.:/+\-]{0,95}")
_NETWORK_ADDRESS = re.compile(
    r"\d{1,3}(\.\d{1,3}){3}(:\d+)?|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){3,}"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENVELOPE = frozenset({"object", "outcome"})


class ComplianceError(Exception):
    """Something about the record went wrong."""


class NotAnEvent(ComplianceError, ValueError):
    """The event is not in the catalogue, or one of its fields may not be recorded."""


class NotInTransaction(ComplianceError):
    """There is no open transaction that the action and its event would share."""


class NotRecorded(ComplianceError):
    """The event could not be written, so what it describes must not happen."""


class AlreadyRecorded(NotRecorded):
    """An event with this id is in the record: the caller has done this before."""


class Digest(str):
    """A SHA-256 in 64 lower-case hexadecimal digits: of a file's bytes, or a commitment to a text.

    Raises NotAnEvent for anything else, so that a text cannot pass for its digest.
    """

    __slots__ = ()

    def __new__(cls, digits: str) -> Self:
        if not _DIGEST.fullmatch(digits):
            raise NotAnEvent("A digest is 64 lower-case hexadecimal digits. Pass the hash.")
        return super().__new__(cls, digits)


class Outcome(StrEnum):
    """How the action stood when the event was written."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who acts, in which session and request, for which matter, under which break-glass.

    `log.append` fills in the last by itself.
    """

    actor: UUID | None = None
    session: UUID | None = None
    request: UUID | None = None
    matter: UUID | None = None
    emergency: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: its type, a sentence about it, its object and its outcome."""

    type: ClassVar[str] = ""
    says: ClassVar[str] = ""

    object: UUID | None = None
    outcome: Outcome = Outcome.DONE

    def recorded_fields(self) -> dict[str, Value]:
        """The fields of this event alone, as values the canonical form allows.

        Raises NotAnEvent when a field holds something that may not be recorded.
        """
        return {
            field.name: _recordable(getattr(self, field.name), f"{self.type}.{field.name}")
            for field in fields(self)
            if field.name not in _ENVELOPE
        }


def _recordable(value: object, where: str) -> Value:
    """Turn a field into plain values, refusing everything that could carry a person's text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        return _word(str(value), where)
    if isinstance(value, tuple):
        return [_recordable(part, where) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _recordable(getattr(value, field.name), f"{where}.{field.name}")
            for field in fields(value)
        }
    raise NotAnEvent(f"{where} holds a {type(value).__name__}. Record a reference or a digest.")


def _word(value: str, where: str) -> str:
    if not _WORD.fullmatch(value) or _NETWORK_ADDRESS.fullmatch(value):
        # The refused text is not repeated: it may be what must not be kept.
        raise NotAnEvent(f"{where} holds free text or an address. Record a commitment to it.")
    return value
