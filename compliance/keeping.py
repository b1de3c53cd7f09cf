"""Texts of an event on their way into the record: sealed, and inserted in the event's statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from compliance.keyring import KeyStore, Ring
from compliance.sealed import seal

# One round trip for content and event. A trigger checks that the header commits to these bytes.
_BEFORE = """
WITH kept AS (
  INSERT INTO compliance_content (event_id, key_id, ciphertext) VALUES (%s, %s, %s))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What comes before the statement that inserts the event, its values, and what it commits to.

    Of an event without content: nothing.
    """

    before: str = ""
    values: tuple[Any, ...] = ()
    sha256: str | None = None


NOTHING = Kept()


def keep(event_id: UUID, content: Mapping[str, str] | None) -> Kept:
    """Seal the texts that are not empty, under a fresh key.

    Raises NotAnEvent for what is no content, and KeysUnavailable.
    """
    texts = {name: text for name, text in content.items() if text} if content else {}
    if not texts:
        return NOTHING
    key = key_ring().take()
    sealed = seal(event_id, texts, key.key)
    return Kept(before=_BEFORE, values=(event_id, key.id, sealed.data), sha256=sealed.sha256)


@cache
def key_ring() -> Ring:
    """The keys of this process."""
    return Ring(KeyStore(settings.CONTENT_KEYS_FOLDER, settings.CONTENT_KEY))
