"""For what somebody reads: chosen for a session, and bounding what is found in it."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from assistant.access.models import Matter
from assistant.accounts.acting import Acting
from assistant.accounts.identity import entered
from assistant.accounts.models import User
from compliance import log
from compliance.events import Context, PurposeChosen

ASKED, SHOWN = "purpose_asked", "purpose"
"""In a browser's session: that the person was asked once, and what its pages show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A purpose as a word and as people read it."""

    word: str
    label: str


def labelled(word: str) -> str:
    """The word as people read it: `deal_team` is "Deal team"."""
    return word.replace("_", " ").capitalize()


def offered(user: User) -> list[Purpose]:
    """The purposes of the person's matters, among those they may choose; by name."""
    found = {word for words in Matter.objects.values_list("purposes", flat=True) for word in words}
    allowed = found & set(user.purposes) if user.purposes else found
    return [Purpose(word=word, label=labelled(word)) for word in sorted(allowed)]


def current() -> str:
    """The purpose of the session that is entered; empty for none."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.purpose()")
        (purpose,) = cursor.fetchone()
    return str(purpose or "")


def act_for(acting: Acting, purpose: str | None) -> None:
    """Have a command act for this purpose, as its option said; without one, for none."""
    if purpose:
        with entered(acting.token):
            choose(acting.record, acting.user, purpose=purpose)


def choose(record: Context, user: User, *, purpose: str) -> None:
    """Read for this purpose from the next query on; answers under way for another one end.

    An empty purpose is none in particular. Raises ValidationError for what is not offered.
    """
    if purpose and purpose not in {each.word for each in offered(user)}:
        raise ValidationError("Choose one of the purposes that are offered.")
    with transaction.atomic(), connection.cursor() as cursor:
        log.append(PurposeChosen(object=user.public_id, purpose=purpose or None), context=record)
        cursor.execute("select auth.choose_purpose(%s)", [purpose])
        (chosen,) = cursor.fetchone()
        if not chosen:
            raise ValidationError("You may not read for this purpose.")
