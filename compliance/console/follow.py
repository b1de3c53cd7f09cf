"""Follow the record: new events as they come, recorded as one beginning and one end.

A following is a signed token in the browser, for one person, one search and half an hour. It is no
right to anything: row security decides about each row, as for any page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing

LASTS = timedelta(minutes=30)
OVERLAP = timedelta(seconds=20)
"""Events of which the transaction takes longer than others are committed after newer ones."""

_SALT = "compliance.console.follow"


class NotFollowing(ValueError):
    """The token is of somebody else, or its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A following that was recorded: its id, the event of its beginning, the search, since when."""

    id: UUID
    event: UUID
    query: str
    began: datetime


def token_of(begun: Following, person: UUID) -> str:
    """What the browser of whoever follows goes on with."""
    said = {
        "id": str(begun.id),
        "event": str(begun.event),
        "person": str(person),
        "query": begun.query,
        "at": begun.began.isoformat(),
    }
    return signing.dumps(said, salt=_SALT, compress=True)


def following(token: str, person: UUID, *, ends: bool = False) -> Following:
    """The following that a token is of, or was, when it `ends`. Raises NotFollowing."""
    try:
        said = signing.loads(token, salt=_SALT, max_age=2 * LASTS if ends else LASTS)
    except signing.BadSignature as error:
        raise NotFollowing from error
    if said["person"] != str(person):
        raise NotFollowing
    return Following(
        id=UUID(said["id"]),
        event=UUID(said["event"]),
        query=said["query"],
        began=datetime.fromisoformat(said["at"]),
    )
