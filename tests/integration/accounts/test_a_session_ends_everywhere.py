"""However a session ends, its sockets are closed within two seconds."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from assistant.accounts import people
from assistant.accounts.models import Session
from compliance.events import Context
from tests.people import Person, make_person
from tests.visitor import Socket, Visitor

LONGEST_SECONDS = 2.0


def seconds_until_closed(socket: Socket) -> float:
    """How long a socket stays open; it says "bye" first."""
    began = time.monotonic()
    assert socket.next_of("bye", seconds=15)["code"] == "signed_out"
    with pytest.raises(ConnectionClosed):
        socket.receive(5)
    return time.monotonic() - began


def sign_out_elsewhere(visitor: Visitor, person: Person, superuser: Any) -> None:
    visitor.post("/sign-out/", {})


def end_from_another_browser(visitor: Visitor, person: Person, superuser: Any) -> None:
    session = Session.objects.get(user=person.user).public_id
    with Visitor(visitor.address, person) as other:
        other.post(f"/account/sessions/{session}/end/", {})


def end_all_others(visitor: Visitor, person: Person, superuser: Any) -> None:
    with Visitor(visitor.address, person) as other:
        other.post("/account/sessions/end-others/", {})
        assert other.get("/matters/").status_code == 200


def be_idle(visitor: Visitor, person: Person, superuser: Any) -> None:
    statement = "update accounts_session set last_seen_at = now() - interval '2 hours'"
    superuser(statement + " where user_id = %s", [person.user.pk])


def run_out(visitor: Visitor, person: Person, superuser: Any) -> None:
    superuser("update auth.session set expires_at = now() where uid = %s", [person.user.pk])


def be_disabled(visitor: Visitor, person: Person, superuser: Any) -> None:
    people.set_active(Context(), person.user, active=False)


def change_the_password_elsewhere(visitor: Visitor, person: Person, superuser: Any) -> None:
    with Visitor(visitor.address, person) as other:
        new = {"old": person.password, "new": "seven grey herons on the quay"}
        assert other.post("/account/", new).status_code == 302


def get_a_new_password(visitor: Visitor, person: Person, superuser: Any) -> None:
    people.reset_password(Context(), person.user)


def be_signed_out_by_an_administrator(visitor: Visitor, person: Person, superuser: Any) -> None:
    people.end_sessions(Context(), person.user)


def have_the_factors_reset(visitor: Visitor, person: Person, superuser: Any) -> None:
    people.reset_second_factors(Context(), person.user)


WAYS = [
    sign_out_elsewhere,
    end_from_another_browser,
    end_all_others,
    be_idle,
    run_out,
    be_disabled,
    change_the_password_elsewhere,
    get_a_new_password,
    be_signed_out_by_an_administrator,
    have_the_factors_reset,
]


@pytest.mark.parametrize("end", WAYS, ids=lambda end: end.__name__)
def test_a_socket_closes_with_its_session(
    end: Callable[..., None], installation: Any, superuser: Any
) -> None:
    dora = make_person("dora")
    with Visitor(installation.address, dora) as visitor, visitor.socket() as socket:
        socket.send(type="ping")
        assert socket.next_of("pong")
        end(visitor, dora, superuser)
        assert seconds_until_closed(socket) <= LONGEST_SECONDS
        assert visitor.get("/matters/").status_code == 302


def test_the_sockets_of_others_stay_open(installation: Any) -> None:
    dora, erik = make_person("dora"), make_person("erik")
    with Visitor(installation.address, dora) as one, Visitor(installation.address, erik) as two:
        with one.socket() as ending, two.socket() as staying:
            people.end_sessions(Context(), dora.user)
            seconds_until_closed(ending)
            staying.send(type="ping")
            assert staying.next_of("pong")


def test_an_idle_cookie_opens_no_socket_and_its_end_is_recorded(
    installation: Any, superuser: Any
) -> None:
    dora = make_person("dora")
    with Visitor(installation.address, dora) as visitor:
        session = Session.objects.get(user=dora.user).public_id
        be_idle(visitor, dora, superuser)
        with visitor.socket() as socket:
            assert socket.receive(10)["code"] == "signed_out"
        assert visitor.get("/matters/").status_code == 302
    said = superuser(
        "select convert_from(header, 'UTF8')::jsonb #>> '{fields,reason}' from compliance_event "
        "where type = 'account.session_ended' and object = %s",
        [session],
    )
    assert said == [("idle",)]


def test_asking_through_a_socket_is_use(world: Any, installation: Any, superuser: Any) -> None:
    with Visitor(installation.address, world.bob) as visitor, visitor.socket() as socket:
        earlier = "update accounts_session set last_seen_at = now() - interval '5 minutes'"
        superuser(earlier + " where user_id = %s", [world.bob.user.pk])
        socket.ask("How much is the rent?", world.matter.id)
        (row,) = superuser(
            "select now() - last_seen_at < interval '1 minute' from accounts_session "
            "where user_id = %s",
            [world.bob.user.pk],
        )
        assert row == (True,)


def test_a_session_does_not_outlive_its_hours_by_being_used(installation: Any) -> None:
    dora = make_person("dora")
    with Visitor(installation.address, dora) as visitor:
        before = Session.objects.get(user=dora.user).expire_date
        time.sleep(0.1)
        visitor.post("/account/browser/", {"name": "My desk"})
        assert Session.objects.get(user=dora.user).expire_date == before


def test_a_named_browser_is_known_again_at_the_next_sign_in(installation: Any) -> None:
    dora = make_person("dora")
    with Visitor(installation.address, dora) as visitor:
        visitor.post("/account/browser/", {"name": "The one at my desk"})
        visitor.post("/sign-out/", {})
        visitor.sign_in(dora)
        assert Session.objects.get(user=dora.user).device == "The one at my desk"
