"""Texts of an event on their way into the record: sealed, and inserted in the event's statement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from compliance.keyring import KeyStore, Ring
from compliance.sealed import seal

_CONTENT = """kept AS (
  INSERT INTO compliance_content (event_id, key_id, ciphertext)
  SELECT %(event_id)s, %(key_id)s, %(ciphertext)s{where})
"""
_EVENT = """INSERT INTO compliance_event (event_id, header, mac)
SELECT %(event_id)s, %(header)s, %(mac)s{where}
"""
_ASKED = "asked AS MATERIALIZED (SELECT auth.emergency_in(%(matter)s) IS NULL AS is_clear)"
_WHERE = " FROM asked WHERE is_clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Values for `insertion`, and the digest the header commits to. Without content: nothing."""

    values: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None


NOTHING = Kept()


@cache
def insertion(*, asks: bool, keeps: bool) -> str:
    """The statement that inserts an event, with its content if it `keeps` any: one round trip.

    If it `asks`, it inserts nothing for who acts under break-glass in the matter. A trigger checks
    that the header commits to the content's bytes.
    """
    where = _WHERE if asks else ""
    parts = [_ASKED] * asks + [_CONTENT.format(where=where)] * keeps
    before = "WITH " + ", ".join(parts) + "\n" if parts else ""
    return before + _EVENT.format(where=where)


def keep(event_id: UUID, content: Mapping[str, str] | None) -> Kept:
    """Seal the texts that are not empty, under a fresh key.

    Raises NotAnEvent for what is no content, and KeysUnavailable.
    """
    texts = {name: text for name, text in content.items() if text} if content else {}
    if not texts:
        return NOTHING
    key = key_ring().take()
    sealed = seal(event_id, texts, key.key)
    return Kept(
        values={"key_id": key.id, "ciphertext": sealed.data}, sha256=sealed.sha256
    )


@cache
def key_ring() -> Ring:
    """The keys of this process."""
    return Ring(KeyStore(settings.CONTENT_KEYS_FOLDER, settings.CONTENT_KEY))
