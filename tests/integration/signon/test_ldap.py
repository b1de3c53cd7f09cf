"""Signing in with a password of a real OpenLDAP server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.accounts.directory import ldap as directory
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.models import LinkedIdentity, User
from assistant.config import get_config
from tests.sign_on.environment import BASE
from tests.sign_on.journey import Journey
from tests.sign_on.servers import ADMINISTRATOR, ADMINISTRATOR_PASSWORD

PASSWORD = "a password of the house"


def add_person(port: int, name: str, *groups: str) -> None:
    """Put somebody and their groups into the directory, as its administrator does."""
    from ldap3 import MODIFY_ADD, NONE, Connection, Server

    server = Server("127.0.0.1", port=port, get_info=NONE)
    with Connection(server, ADMINISTRATOR, ADMINISTRATOR_PASSWORD, auto_bind=True) as connection:
        entry = f"uid={name},ou=people,{BASE}"
        values = {"uid": name, "cn": name.title(), "sn": name, "userPassword": PASSWORD}
        assert connection.add(entry, "inetOrgPerson", values), connection.result
        for group in groups:
            place = f"cn={group},ou=groups,{BASE}"
            if not connection.add(place, "groupOfNames", {"cn": group, "member": entry}):
                connection.modify(place, {"member": [(MODIFY_ADD, [entry])]})


def sign_in(journey: Journey, name: str, password: str) -> httpx.Response:
    return journey.post("/sign-in/ldap/", {"username": name, "password": password})


def test_somebody_new_signs_in_and_gets_the_roles_of_their_groups(
    ldap: int, journey: Journey, name: str
) -> None:
    add_person(ldap, name, "clinicians")
    assert sign_in(journey, name, PASSWORD).status_code == 302
    assert journey.is_known()
    user = User.objects.get(username=name)
    assert (user.roles, user.display_name) == (["staff"], name.title())
    identity = LinkedIdentity.objects.using("signin").get(user=user)
    assert identity.issuer == f"ldap:ou=people,{BASE}"
    assert identity.subject.count("-") == 4, "the entry's UUID, not its name"


def test_a_wrong_password_is_refused_and_locks_the_name(
    ldap: int, journey: Journey, name: str, reason_of: Callable[[httpx.Response], str]
) -> None:
    add_person(ldap, name, "clinicians")
    reasons = [reason_of(sign_in(journey, name, f"wrong {n}")) for n in range(5)]
    assert reasons == ["wrong_password"] * 5
    assert reason_of(sign_in(journey, name, PASSWORD)) == "locked"


@pytest.mark.parametrize("password", ["", " "])
def test_an_empty_password_opens_nothing(
    password: str, ldap: int, journey: Journey, name: str
) -> None:
    add_person(ldap, name, "clinicians")
    assert sign_in(journey, name, password).status_code == 403
    assert not journey.is_known()
    with pytest.raises(SignOnRefused):
        directory.sign_in(_directory(), name=name, password="")


@pytest.mark.parametrize("typed", ["*", "{name})(uid=*", "{name})(|(uid=*)", "e*", "{name}\\2a"])
def test_what_is_typed_is_no_part_of_the_filter(
    typed: str, ldap: int, journey: Journey, name: str
) -> None:
    add_person(ldap, name, "clinicians")
    assert sign_in(journey, typed.replace("{name}", name), PASSWORD).status_code == 403
    assert not journey.is_known()


def test_nobody_outside_a_mapped_group_gets_in(
    ldap: int, journey: Journey, name: str, reason_of: Callable[[httpx.Response], str]
) -> None:
    add_person(ldap, name, "choir")
    assert reason_of(sign_in(journey, name, PASSWORD)) == "no_role"


def test_a_server_that_cannot_prove_its_name_is_not_asked(
    ldap: int, name: str, database: Any
) -> None:
    add_person(ldap, name, "clinicians")
    right = _directory()
    assert directory.sign_in(right, name=name, password=PASSWORD).username == name
    by_address = _directory(url=right.url.replace("localhost", "127.0.0.1"))
    unknown_authority = _directory(ca_file=Path(os.environ["CLOISTER_HOME"], "sign-on", "idp.pem"))
    for wrong in (by_address, unknown_authority):
        with pytest.raises(SignOnRefused, match="provider_unavailable"):
            directory.sign_in(wrong, name=name, password=PASSWORD)


def test_a_server_that_is_away_is_said_to_be_away(
    ldap: int, name: str, database: Any
) -> None:
    with pytest.raises(SignOnRefused, match="provider_unavailable"):
        directory.sign_in(_directory(url="ldap://localhost:1"), name=name, password=PASSWORD)


def _directory(**changes: Any) -> directory.Directory:
    from dataclasses import replace

    found = directory.directory_of(get_config())
    assert found is not None
    return replace(found, **changes)
