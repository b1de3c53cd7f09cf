"""What privacy officers are told as it happens: break-glass, and recorded content being unlocked.

Pages show it; no mail leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection
from django.utils import timezone

from assistant.access.emergencies import matters_decided
from assistant.access.models import Emergency, NoticesRead
from assistant.accounts.models import User
from compliance.console.describe import short

SHOWN = 100


class Kind(StrEnum):
    """What happened; the database derives it from the times of a break-glass, or the record."""

    ASKED = "asked"
    OPENED = "opened"
    APPROVED = "approved"
    REFUSED = "refused"
    OVERDUE = "overdue"
    ENDED = "ended"
    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"
    UNLOCKED = "unlocked"
    NOT_UNLOCKED = "unlock_refused"


WORDS = {
    Kind.ASKED: "asked for break-glass",
    Kind.OPENED: "opened break-glass before an approval",
    Kind.APPROVED: "break-glass was approved",
    Kind.REFUSED: "break-glass was refused",
    Kind.OVERDUE: "opened break-glass, and nobody approved it in time",
    Kind.ENDED: "break-glass ended; it waits to be reviewed",
    Kind.UNREVIEWED: "break-glass has waited for its review for a week",
    Kind.REVIEWED: "break-glass was reviewed",
    Kind.UNLOCKED: "unlocked recorded content",
    Kind.NOT_UNLOCKED: "asked for recorded content and was refused",
}
PRESSING = frozenset({Kind.OPENED, Kind.OVERDUE, Kind.UNREVIEWED, Kind.NOT_UNLOCKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to a break-glass, or to content of the record.

    `event` is the record's own event of it, whose reason can be unlocked; None for break-glass.
    """

    at: datetime
    kind: Kind
    emergency: Emergency | None
    event: UUID | None
    person: str
    matter: str
    by: str
    is_new: bool

    @property
    def words(self) -> str:
        return WORDS[self.kind]

    @property
    def is_pressing(self) -> bool:
        return self.kind in PRESSING


def notices(user: User) -> Sequence[Notice]:
    """The newest notices, for privacy officers; new are those since `mark_read`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select at, kind, emergency, by_whom, event, matter from auth.notices()"
            " order by at desc limit %s",
            [SHOWN],
        )
        rows = cursor.fetchall()
    wanted = [row[2] for row in rows if row[2]]
    emergencies = Emergency.objects.select_related("person").in_bulk(wanted)
    people = User.objects.in_bulk({row[3] for row in rows if row[3]})
    named, read = matters_decided(), NoticesRead.objects.filter(user=user).first()
    return [
        Notice(
            at=at,
            kind=Kind(kind),
            emergency=(about := emergencies.get(emergency)),
            event=event,
            person=_name(people.get(by)) if about is None else about.person.display_name,
            matter=named.get(matter, f"matter {short(matter)}") if matter else "",
            by=_name(people.get(by)) if about and by != about.person_id else "",
            is_new=(read is None or at > read.at) and by != user.pk,
        )
        for at, kind, emergency, by, event, matter in rows
    ]


def _name(person: User | None) -> str:
    return person.display_name if person else ""


def mark_read(user: User) -> None:
    """Nothing that has happened so far is new to this officer any more."""
    NoticesRead.objects.update_or_create(user=user, defaults={"at": timezone.now()})
