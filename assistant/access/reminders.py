"""What a page reminds its reader of: break-glass that is open, decisions and reviews that wait."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Break-glass of the reader that is open now."""

    id: UUID
    reference: str
    until: datetime
    is_document: bool

    @property
    def minutes_left(self) -> int:
        """Whole minutes, rounded up."""
        return max(0, -(-int((self.until - timezone.now()).total_seconds()) // 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Counts of what waits for the reader. `asked` are requests of their own without an answer."""

    opened: Sequence[Opened] = ()
    asked: int = 0
    decide: int = 0
    review: int = 0
    notices: int = 0
    places: int = 0

    @property
    def glass(self) -> int:
        """How many break-glass requests the reader can do something about."""
        return self.decide + self.review

    @property
    def is_watching(self) -> bool:
        """Whether something of break-glass may change under the reader's eyes."""
        return bool(self.opened or self.asked)

    def as_json(self) -> dict[str, Any]:
        """For the script that keeps an open page up to date."""
        plain = asdict(self)
        plain["opened"] = [
            {"id": str(each.id), "until": each.until.isoformat()} for each in self.opened
        ]
        return plain


def mine() -> Reminders:
    """Of the person who is entered; nothing when nobody is."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.my_tasks()")
        (found,) = cursor.fetchone()
    if found is None:
        return Reminders()
    told = json.loads(found)
    opened = [
        Opened(
            id=UUID(each["id"]),
            reference=each["reference"],
            until=datetime.fromisoformat(each["until"]),
            is_document=each["is_document"],
        )
        for each in told.pop("open")
    ]
    return Reminders(opened=opened, **told)
