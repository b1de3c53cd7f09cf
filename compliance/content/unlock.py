"""Unlock one part of an event's content, for a written reason.

    who may, and the second factor again -> the bytes are the committed ones -> the key
    -> the event, committed on a connection of its own -> the text

Nothing is returned before the event is committed, so there is no look without its record. What is
refused is an event too. Barriers beat this as they beat every permission: whoever a wall or a seal
keeps out of a matter or a document does not read of it here.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from compliance import log
from compliance.content.reasons import DEMAND, FEWEST_CHARACTERS, MOST_CHARACTERS
from compliance.events import ContentUnlocked, ContentUnlockRefused, Context
from compliance.keeping import key_ring
from compliance.keyring import KeyDestroyed, KeysUnavailable, NoKey, WrongSecret
from compliance.models import Content, Mention, RecordedEvent
from compliance.sealed import NotGenuine, open_sealed
from compliance.shape import ComplianceError

READERS = frozenset({"auditor", "privacy_officer"})


class Why(StrEnum):
    """Why content was not shown."""

    WRONG_ROLE = "wrong_role"
    NO_REASON = "no_reason"
    NOT_PROVED = "not_proved"
    MISSING = "missing"
    BARRED = "barred"
    NO_SUCH_PART = "no_such_part"
    NOT_GENUINE = "not_genuine"
    ERASED = "erased"
    NO_KEY = "no_key"
    UNAVAILABLE = "unavailable"


SENTENCES = {
    Why.WRONG_ROLE: "Only auditors and privacy officers unlock recorded content.",
    Why.NO_REASON: DEMAND,
    Why.NOT_PROVED: (
        "Unlocking needs your second factor again. Set one up on your account page if you have "
        "none, then confirm who you are."
    ),
    Why.MISSING: "There is no such event, or it has no content.",
    Why.BARRED: "A wall or a seal keeps you out of what this event is about.",
    Why.NO_SUCH_PART: "This event has no part of that name.",
    Why.NOT_GENUINE: (
        "The stored content is not what this event committed to, so it is not shown. Have the "
        "record verified."
    ),
    Why.ERASED: "This content was erased. The event itself stays.",
    Why.NO_KEY: (
        "The key of this content is not in this installation's key store. Ask the operator which "
        "store the installation uses."
    ),
    Why.UNAVAILABLE: "The key store did not answer. Ask the operator to look at its folder.",
}


class UnlockRefused(ComplianceError):
    """The content is not shown; `why` says in a word why, the message in a sentence."""

    def __init__(self, why: Why) -> None:
        super().__init__(SENTENCES[why])
        self.why = why


class Person(Protocol):
    """Who unlocks: an account with roles."""

    roles: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An event and its content, before anything was opened."""

    event: RecordedEvent
    content: Content


def unlock(record: Context, user: Person, event_id: UUID, part: str, reason: str) -> str:
    """One part of an event's content as text, after the event of unlocking it was committed.

    To be called in a transaction that has entered the person. Raises UnlockRefused, which is on
    record by then, and NotRecorded when the record cannot be written: then nothing was shown.
    """
    reason, name = reason.strip(), part if part.isidentifier() and len(part) <= 40 else "unknown"
    about = record
    try:
        _check(user, reason)
        found = _find(event_id)
        about = replace(record, matter=found.event.matter)
        text = _open(found, part)
    except UnlockRefused as refusal:
        log.append_alone(
            ContentUnlockRefused(object=event_id, part=name, reason=refusal.why.value),
            context=about,
            content={"reason": reason[:MOST_CHARACTERS]},
        )
        raise
    log.append_alone(
        ContentUnlocked(object=event_id, part=part, kind=found.event.type),
        context=about,
        content={"reason": reason},
    )
    return text


def _check(user: Person, reason: str) -> None:
    """Who asks, and whether they say why and have just proved who they are."""
    if READERS.isdisjoint(user.roles):
        raise UnlockRefused(Why.WRONG_ROLE)
    if not FEWEST_CHARACTERS <= len(reason) <= MOST_CHARACTERS:
        raise UnlockRefused(Why.NO_REASON)
    if not _asked("SELECT auth.proved_again()"):
        raise UnlockRefused(Why.NOT_PROVED)


def _find(event_id: UUID) -> _Found:
    """The event and its content, if the person may read it. Row security decides by role."""
    event = RecordedEvent.objects.filter(pk=event_id).first()
    content = Content.objects.filter(pk=event_id).first()
    if event is None or content is None:
        raise UnlockRefused(Why.MISSING)
    named = Mention.objects.filter(event_id=event_id).values_list("object", flat=True)
    if _asked("SELECT auth.is_barred(%s, %s::uuid[])", event.matter, list(named)):
        raise UnlockRefused(Why.BARRED)
    return _Found(event=event, content=content)


def _open(found: _Found, part: str) -> str:
    """The text of one part, once the bytes are those that the event committed to."""
    data = bytes(found.content.ciphertext)
    if found.event.said().get("content") != hashlib.sha256(data).hexdigest():
        raise UnlockRefused(Why.NOT_GENUINE)
    try:
        key = key_ring().store.find(found.content.key_id)
        texts = open_sealed(found.event.event_id, data, key)
    except KeyDestroyed as error:
        raise UnlockRefused(Why.ERASED) from error
    except NoKey as error:
        raise UnlockRefused(Why.NO_KEY) from error
    except (KeysUnavailable, WrongSecret) as error:
        raise UnlockRefused(Why.UNAVAILABLE) from error
    except NotGenuine as error:
        raise UnlockRefused(Why.NOT_GENUINE) from error
    if part not in texts:
        raise UnlockRefused(Why.NO_SUCH_PART)
    return texts[part]


def _asked(statement: str, *values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        (answer,) = cursor.fetchone()
    return bool(answer)
