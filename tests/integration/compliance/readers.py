"""Somebody who acts on the record or reads it, in the record's tests."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from assistant.accounts import identity
from assistant.accounts.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an open session."""

    user: User
    token: str

    @property
    def id(self) -> UUID:
        return self.user.public_id

    def entered(self) -> AbstractContextManager[Any]:
        """A transaction with this person's identity."""
        return identity.entered(self.token)
