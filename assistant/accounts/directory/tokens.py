"""Tokens with which a directory provisions people here: made, shown once, taken back."""

import hashlib
import secrets
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assistant.accounts.directory.accounts import SIGNIN
from assistant.accounts.models import ScimToken
from compliance import log
from compliance.events import Context, ScimTokenCreated, ScimTokenRevoked

PREFIX = "cloister-scim-"
LONGEST_NAME = 100


def create(record: Context, name: str) -> tuple[ScimToken, str]:
    """Make a token; returns it and the words to hand over, which are shown once."""
    words = PREFIX + secrets.token_urlsafe(32)
    made = ScimToken(name=name.strip()[:LONGEST_NAME] or "directory", digest=_digest(words))
    with transaction.atomic(using=SIGNIN):
        log.append(ScimTokenCreated(object=made.id), context=record, using=SIGNIN)
        made.save(using=SIGNIN)
    return made, words


def revoke(record: Context, token_id: UUID) -> bool:
    """Take a token back; returns whether there was one that counted."""
    with transaction.atomic(using=SIGNIN):
        counting = ScimToken.objects.using(SIGNIN).filter(id=token_id, revoked_at__isnull=True)
        if counting.update(revoked_at=timezone.now()) != 1:
            return False
        log.append(ScimTokenRevoked(object=token_id), context=record, using=SIGNIN)
    return True


def tokens() -> list[ScimToken]:
    """All tokens, the newest first."""
    return list(ScimToken.objects.using(SIGNIN).order_by("-created_at"))


def bearer(words: str) -> ScimToken | None:
    """The token that these words are, if it counts."""
    found = ScimToken.objects.using(SIGNIN).filter(digest=_digest(words), revoked_at__isnull=True)
    token = found.first()
    if token is not None:
        found.update(last_used_at=timezone.now())
    return token


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
