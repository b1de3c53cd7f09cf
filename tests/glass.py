"""People who have just given their second factor again, and the break-glass they ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from assistant.access import emergencies, reviews
from assistant.access.models import Emergency
from assistant.access.upkeep import OWNER
from assistant.accounts.acting import Acting
from assistant.accounts.identity import entered
from tests.people import Person, World, make_person

TEXT = "She is in the ambulance and cannot say which drugs she takes."


def _run(statement: str, values: list[Any]) -> None:
    """Run SQL as the role that owns the tables."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(statement, values)


@contextmanager
def proved(person: Person, *, minutes_ago: int = 0) -> Iterator[Acting]:
    """A transaction of somebody who gave their second factor again some minutes ago.

    The app that stands for it goes again, so that tests sign the person in with a password alone.
    """
    with person.acting() as acting:
        _run(
            "insert into accounts_authenticator (id, user_id, sealed_secret, last_step, created_at,"
            " confirmed_at) values (gen_random_uuid(), %s, '', 0, now(), now())",
            [person.user.pk],
        )
        _run(
            "insert into accounts_session (session_key, public_id, user_id, session_data, device,"
            " factor, created_at, signed_in_at, stepped_up_at, last_seen_at, expire_date)"
            " values (%s, %s, %s, '', '', 'totp', now(), now() - interval '1 hour',"
            " now() - make_interval(mins => %s), now(), now() + interval '1 hour')",
            [acting.token, acting.record.session, person.user.pk, minutes_ago],
        )
        try:
            with entered(acting.token):
                yield acting
        finally:
            _run("delete from accounts_session where session_key = %s", [acting.token])
            _run(
                "delete from accounts_authenticator where user_id = %s and sealed_secret = ''",
                [person.user.pk],
            )


def ask(world: World, person: Person, **more: Any) -> Emergency:
    """Ask for break-glass on the world's matter, for half an hour unless said otherwise."""
    asked = {"matter": world.matter.reference, "why": "treatment", "text": TEXT, "minutes": 30}
    with proved(person) as acting:
        return emergencies.ask(acting.record, **(asked | more))


def approve(emergency: Emergency, by: Person) -> None:
    """Have somebody approve it."""
    with by.entered() as acting:
        emergencies.approve(acting.record, emergencies.emergency_for(emergency.pk))


def let_in_emergencies(world: World) -> None:
    """The matter's policy: break-glass may open before it is approved."""
    _run("update access_matter set opens_in_emergency = true where id = %s", [world.matter.id])


def let_time_pass(emergency: Emergency, *, minutes: int) -> None:
    """As if it had been asked for that much earlier."""
    _run(
        "update access_emergency set "
        + ", ".join(
            f"{column} = {column} - make_interval(mins => %s)"
            for column in ("asked_at", "opened_at", "expires_at", "approve_by", "ended_at")
        )
        + " where id = %s",
        [*[minutes] * 5, emergency.pk],
    )


def let_expire(emergency: Emergency) -> None:
    """Its time is over now, by the clock and by nothing else."""
    # Triggers tell workers and sockets of every change that somebody makes. The clock tells nobody.
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("alter table access_emergency disable trigger follow_emergency")
        cursor.execute(
            "update access_emergency set expires_at = clock_timestamp() where id = %s",
            [emergency.pk],
        )
        cursor.execute("alter table access_emergency enable trigger follow_emergency")


def open_review(*, by: Person | None = None) -> UUID:
    """An access review that is open; one that was is closed without any consequence."""
    _run("update access_review set closed_at = now() where closed_at is null", [])
    with (by or make_person("olga", "privacy_officer")).entered() as acting:
        due = timezone.now().date() + timedelta(days=30)
        return reviews.open_review(acting.record, due=due).pk
