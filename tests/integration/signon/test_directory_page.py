"""Administrators link people to those whom a provider has proven, and make tokens."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from assistant.accounts.models import LinkedIdentity, Stranger, User
from tests.people import make_person
from tests.sign_on.journey import Journey
from tests.visitor import Visitor


@pytest.fixture
def administrator(installation: Any) -> Iterator[Visitor]:
    person = make_person("administrator", "administrator")
    with Visitor(installation.address, person) as visitor:
        yield visitor


def test_somebody_refused_is_linked_by_their_reference_and_signs_in(
    openid: str, installation: Any, journey: Journey, administrator: Visitor
) -> None:
    olive = make_person("olive")
    login = f"{olive.username}+clinicians"
    refused = journey.get(journey.through_openid(journey.begin("oidc"), login))
    reference = refused.text.split("Reference <code>")[1].split("<")[0]
    assert reference in administrator.get("/people/directory/").text
    form = {"reference": reference, "username": olive.username}
    assert administrator.post("/people/directory/links/", form).status_code == 302
    assert not Stranger.objects.using("signin").filter(reference=reference).exists()
    with Journey(installation.address) as later:
        later.get(later.through_openid(later.begin("oidc"), login))
        assert later.is_known()


def test_an_identity_opens_one_account(administrator: Visitor, name: str) -> None:
    first, second = make_person("first"), make_person("second")
    form = {"issuer": "https://issuer.test", "subject": name}
    linked = administrator.post("/people/directory/links/", {**form, "username": first.username})
    assert linked.status_code == 302
    again = administrator.post("/people/directory/links/", {**form, "username": second.username})
    assert "opens an account already" in again.text
    assert LinkedIdentity.objects.using("signin").get(subject=name).user_id == first.user.pk


def test_unlinking_ends_sessions_and_opens_nothing_more(
    openid: str, installation: Any, journey: Journey, administrator: Visitor, name: str
) -> None:
    journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+clinicians"))
    assert journey.is_known()
    user = User.objects.get(username=name)
    identity = LinkedIdentity.objects.using("signin").get(user=user)
    administrator.post(f"/people/directory/links/{identity.pk}/remove/", {})
    assert not journey.is_known()
    with Journey(installation.address) as later:
        refused = later.get(later.through_openid(later.begin("oidc"), f"{name}+clinicians"))
        assert "is not linked to you" in refused.text


def test_a_token_is_shown_once(administrator: Visitor, installation: Any, name: str) -> None:
    made = administrator.post("/people/directory/tokens/", {"name": name})
    words = re.findall(r"cloister-scim-[\w-]{43}", made.text)
    assert len(words) == 1
    assert words[0] not in administrator.get("/people/directory/").text
    asked = {"Authorization": f"Bearer {words[0]}"}
    address = f"{installation.address}/scim/v2/Users"
    assert httpx.get(address, headers=asked).status_code == 200
    token_id = re.findall(r"tokens/([0-9a-f-]{36})/revoke/", made.text)[0]
    administrator.post(f"/people/directory/tokens/{token_id}/revoke/", {})
    assert httpx.get(address, headers=asked).status_code == 401


def test_the_application_cannot_link_or_read_what_it_does_not_need(database: Any) -> None:
    from django.db import ProgrammingError, transaction

    writes: dict[str, Callable[[], Any]] = {
        "links": lambda: LinkedIdentity.objects.count(),
        "link": lambda: LinkedIdentity.objects.create(issuer="a", subject="b", user_id=1),
        "strangers": lambda: Stranger.objects.count(),
    }
    for attempt in writes.values():
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            attempt()
