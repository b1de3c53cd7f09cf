"""What an answer under way may rest on, and whether its asker may still see all of it.

A right can go while a model talks. `change_stamp` says cheaply that some right changed somewhere;
then `lost` asks the database anew for each answer under way.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection

from assistant.accounts.identity import NotSignedIn, entered


class Lost(StrEnum):
    """Why an answer may not be finished. The words for it are auth.withhold's."""

    SESSION = "session"
    RIGHTS = "rights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer rests on: the asker's groups of the matter, and documents."""

    matter_id: UUID
    groups: frozenset[int]
    documents: frozenset[UUID] = frozenset()


def holds(basis: Basis) -> bool:
    """Whether the person who is entered still sees all of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select auth.my_groups_in(%s) @> %s::int[] and auth.sees_documents(%s::uuid[])",
            [basis.matter_id, sorted(basis.groups), sorted(basis.documents)],
        )
        (answer,) = cursor.fetchone()
    return bool(answer)


def lost(token: str, basis: Basis) -> Lost | None:
    """What has gone since the answer was begun; None when nothing has."""
    try:
        with entered(token):
            return None if holds(basis) else Lost.RIGHTS
    except NotSignedIn:
        return Lost.SESSION


def change_stamp() -> str:
    """Changes whenever a right, a session or its purpose may have changed, for anybody."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.change_stamp()")
        (stamp,) = cursor.fetchone()
    return str(stamp)
