"""Follow the record: new events as they come, recorded as one beginning and one end.

A following is a signed token in the browser, for one person, one search and half an hour. It is no
right to anything: row security decides about each row, as for any page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core import signing

LASTS = timedelta(minutes=30)
OVERLAP = timedelta(seconds=20)
"""Events of which the transaction takes longer than others are committed after newer ones."""

_SALT = "compliance.console.follow"


class NotFollowing(ValueError):
    """The token is of somebody else, or its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A following that was recorded: its id, whose it is, the search, since when."""

    id: UUID
    query: str
    began: datetime


def begin(person: UUID, query: str, *, now: datetime) -> tuple[Following, str]:
    """A new following, and the token to go on with."""
    following = Following(id=uuid4(), query=query, began=now)
    said = {"id": str(following.id), "person": str(person), "query": query, "at": now.isoformat()}
    return following, signing.dumps(said, salt=_SALT, compress=True)


def following(token: str, person: UUID, *, ends: bool = False) -> Following:
    """The following that a token is of, or was, when it `ends`. Raises NotFollowing."""
    try:
        said = signing.loads(token, salt=_SALT, max_age=2 * LASTS if ends else LASTS)
    except signing.BadSignature as error:
        raise NotFollowing from error
    if said["person"] != str(person):
        raise NotFollowing
    began = datetime.fromisoformat(said["at"])
    return Following(id=UUID(said["id"]), query=said["query"], began=began)
