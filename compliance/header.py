"""The bytes an event is recorded as: everything it says, in one spelling, with a salt."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from compliance import canonical
from compliance.events import CATALOGUE, Context, Event
from compliance.shape import NotAnEvent

VERSION = 1
"""Scheme of the header. A change of its shape counts it up; old headers stay as they are."""

SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """An event ready to be written."""

    event_id: UUID
    data: bytes


def write(
    event: Event,
    *,
    context: Context,
    now: datetime,
    event_id: UUID | None = None,
    chain: Mapping[str, str | int] = MappingProxyType({}),
    content: str | None = None,
) -> Header:
    """Make the header of an event. `now` is an aware time; it is written in UTC.

    `chain` says who wrote it and how many were written before (`compliance.ledger.chain`).
    `content` is the SHA-256, in hex, of the sealed texts that belong to it (compliance/sealed.py).

    Raises NotAnEvent when the event is not in the catalogue or holds what may not be recorded.
    """
    if CATALOGUE.get(event.type) is not type(event):
        raise NotAnEvent(f"{type(event).__name__} is not in compliance/events.py. Add it there.")
    event_id = event_id or new_event_id(now)
    # Said where it is so, and nowhere else: few events happen under break-glass or have a text.
    under = {"emergency": str(context.emergency)} if context.emergency else {}
    holds = {"content": content} if content else {}
    salt = secrets.token_bytes(SALT_BYTES)
    return Header(
        event_id=event_id,
        data=canonical.encode(
            {
                "v": VERSION,
                "id": str(event_id),
                "type": event.type,
                "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "actor": _text(context.actor),
                "session": _text(context.session),
                "request": _text(context.request),
                "object": _text(event.object),
                "matter": _text(context.matter),
                "outcome": event.outcome.value,
                "fields": event.recorded_fields(),
                # A proof shows neighbours' hashes to strangers. Without a salt they could find
                # a neighbour's event by trying.
                "salt": salt.hex(),
                **under,
                **chain,
                **holds,
            }
        ),
    )


def new_event_id(now: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562 section 5.7): ordered by time, 74 random bits."""
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    random = secrets.randbits(74)
    high, low = random >> 62, random & (2**62 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
