"""People who have just given their second factor again, and the break-glass they ask for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assistant.access import emergencies
from assistant.access.models import Emergency
from assistant.accounts.acting import Acting
from assistant.accounts.identity import entered
from tests.people import Person, World

Superuser = Callable[..., list[tuple[Any, ...]]]
TEXT = "She is in the ambulance and cannot say which drugs she takes."


def give_app(person: Person, superuser: Superuser) -> None:
    """An authenticator app for somebody, as if set up long ago."""
    superuser(
        "insert into accounts_authenticator (id, user_id, sealed_secret, last_step, created_at,"
        " confirmed_at) select gen_random_uuid(), %s, '', 0, now(), now() where not exists"
        " (select 1 from accounts_authenticator where user_id = %s)",
        [person.user.pk, person.user.pk],
    )


@contextmanager
def proved(person: Person, superuser: Superuser, *, minutes_ago: int = 0) -> Iterator[Acting]:
    """A transaction of somebody who gave their second factor again some minutes ago."""
    give_app(person, superuser)
    with person.acting() as acting:
        superuser(
            "insert into accounts_session (session_key, public_id, user_id, session_data, device,"
            " factor, created_at, signed_in_at, stepped_up_at, last_seen_at, expire_date)"
            " values (%s, %s, %s, '', '', 'totp', now(), now() - interval '1 hour',"
            " now() - make_interval(mins => %s), now(), now() + interval '1 hour')",
            [acting.token, acting.record.session, person.user.pk, minutes_ago],
        )
        with entered(acting.token):
            yield acting


def ask(world: World, person: Person, superuser: Superuser, **more: Any) -> Emergency:
    """Ask for break-glass on the world's matter, for half an hour unless said otherwise."""
    asked = {"matter": world.matter.reference, "why": "treatment", "text": TEXT, "minutes": 30}
    with proved(person, superuser) as acting:
        return emergencies.ask(acting.record, **(asked | more))


def approve(emergency: Emergency, by: Person) -> None:
    """Have somebody approve it."""
    with by.entered() as acting:
        emergencies.approve(acting.record, emergencies.emergency_for(emergency.pk))


def let_in_emergencies(world: World, superuser: Superuser) -> None:
    """The matter's policy: break-glass may open before it is approved."""
    superuser(
        "update access_matter set opens_in_emergency = true where id = %s", [world.matter.id]
    )


def let_time_pass(emergency: Emergency, superuser: Superuser, *, minutes: int) -> None:
    """As if it had been asked for that much earlier."""
    superuser(
        "update access_emergency set "
        + ", ".join(
            f"{column} = {column} - make_interval(mins => %s)"
            for column in ("asked_at", "opened_at", "expires_at", "approve_by", "ended_at")
        )
        + " where id = %s",
        [*[minutes] * 5, emergency.pk],
    )
