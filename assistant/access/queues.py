"""Break-glass as its pages list it: how each stands, and what its reader may do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.utils import timezone

from assistant.access.emergencies import VERDICT_LABELS, WHY_LABELS, matters_decided
from assistant.access.models import Emergency, Verdict, Why
from assistant.accounts.models import Role, User

SHOWN = 200


class State(StrEnum):
    """How a break-glass stands."""

    WAITING = "Waiting for a decision"
    UNAPPROVED = "Open, and not approved yet"
    OPEN = "Open"
    REFUSED = "Refused"
    LAPSED = "Nobody decided in time"
    ENDED = "Ended, waits to be reviewed"
    REVIEWED = "Reviewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A break-glass for one reader."""

    emergency: Emergency
    state: State
    matter: str
    is_mine: bool
    may_decide: bool
    may_end: bool
    may_review: bool

    @property
    def is_open(self) -> bool:
        return self.state in (State.OPEN, State.UNAPPROVED)

    @property
    def why(self) -> str:
        return WHY_LABELS[Why(self.emergency.why)]

    @property
    def verdict(self) -> str:
        return VERDICT_LABELS[Verdict(self.emergency.verdict)] if self.emergency.verdict else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What waits for the reader, what is open, what they asked for, and the rest."""

    decide: Sequence[Line]
    review: Sequence[Line]
    open: Sequence[Line]
    mine: Sequence[Line]
    rest: Sequence[Line]


def line_for(emergency: Emergency, reader: User) -> Line:
    """One break-glass as its reader sees it."""
    return _line(emergency, reader, matters_decided(), timezone.now())


def queues_of(reader: User) -> Queues:
    """The newest break-glass that the person entered may know of, each in its first place."""
    found = Emergency.objects.select_related("person", "approved_by", "reviewed_by")[:SHOWN]
    named, now = matters_decided(), timezone.now()
    lines = [_line(emergency, reader, named, now) for emergency in found]
    decide = [line for line in lines if line.may_decide]
    review = [line for line in lines if line.may_review]
    mine = [line for line in lines if line.is_mine]
    still_open = _without([line for line in lines if line.is_open], decide, mine)
    rest = _without(lines, decide, review, mine, still_open)
    return Queues(decide=decide, review=review, open=still_open, mine=mine, rest=rest)


def _without(lines: Iterable[Line], *others: Sequence[Line]) -> list[Line]:
    taken = {line.emergency.pk for other in others for line in other}
    return [line for line in lines if line.emergency.pk not in taken]


def _line(emergency: Emergency, reader: User, named: dict[UUID, str], now: datetime) -> Line:
    is_mine = emergency.person_id == reader.pk
    is_other = not is_mine and emergency.approved_by_id != reader.pk
    is_over = emergency.opened_at is not None and not emergency.is_open(now)
    is_officer = reader.has_role(Role.PRIVACY_OFFICER)
    return Line(
        emergency=emergency,
        state=_state(emergency, now),
        # Whoever asked knows the matter as they named it, and learns no more by asking.
        matter=named.get(emergency.matter_id, emergency.asked_for),
        is_mine=is_mine,
        may_decide=emergency.waits(now) and not is_mine,
        may_end=emergency.is_open(now),
        may_review=is_officer and is_over and is_other and emergency.reviewed_at is None,
    )


def _state(emergency: Emergency, now: datetime) -> State:
    if emergency.is_open(now):
        return State.OPEN if emergency.approved_at else State.UNAPPROVED
    if emergency.reviewed_at:
        return State.REVIEWED
    if emergency.opened_at:
        return State.ENDED
    if emergency.refused_at:
        return State.REFUSED
    return State.WAITING if emergency.waits(now) else State.LAPSED
