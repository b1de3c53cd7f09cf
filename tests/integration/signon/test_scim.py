"""A directory provisions people and groups over SCIM."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from assistant.accounts import factors, identity
from assistant.accounts.directory import tokens
from assistant.accounts.models import Group, LinkedIdentity, User
from assistant.accounts.people import reset_password
from compliance.events import Context
from tests.people import Person
from tests.sign_on.journey import Journey
from tests.visitor import Visitor

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """A directory with its token."""

    def __init__(self, site: str, words: str) -> None:
        self.http = httpx.Client(
            base_url=f"{site}/scim/v2/",
            headers={"Authorization": f"Bearer {words}"},
            timeout=30,
        )

    def send(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Content-Type": "application/scim+json"}
        content = json.dumps(body) if body else None
        return self.http.request(method, path, content=content, headers=headers)

    def add(self, name: str, **more: Any) -> dict[str, Any]:
        response = self.send("POST", "Users", schemas=[USER], userName=name, **more)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    def add_group(self, name: str, *members: dict[str, Any], **more: Any) -> httpx.Response:
        values = [{"value": member["id"]} for member in members]
        return self.send(
            "POST", "Groups", schemas=[GROUP], displayName=name, members=values, **more
        )

    def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        return self.send("PATCH", path, schemas=[PATCH], Operations=list(operations))


@pytest.fixture(scope="module")
def directory(installation: Any) -> Iterator[Directory]:
    _, words = tokens.create(Context(), "tests")
    directory = Directory(installation.address, words)
    yield directory
    directory.http.close()


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_a_set_of_checks_made_by_others_finds_nothing(
    directory: Directory, installation: Any
) -> None:
    """The package scim2-tester creates, asks for, changes and deletes all there is."""
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    headers = {"Authorization": directory.http.headers["Authorization"]}
    with Client(base_url=f"{installation.address}/scim/v2", headers=headers) as http:
        results = check_server(SyncSCIMClient(http))
    wrong = [
        result
        for result in results
        if result.status in (Status.ERROR, Status.CRITICAL)
        # An account is open or closed. Where the attribute is taken away, the default stands.
        and result.reason != "PATCH modify() did not remove attribute 'active'"
    ]
    assert not wrong, "\n".join(f"{each.title}: {each.reason}" for each in wrong)
    assert sum(result.status is Status.SUCCESS for result in results) > 50


def test_somebody_provisioned_signs_in_at_the_provider(
    directory: Directory, openid: str, journey: Journey, name: str
) -> None:
    made = directory.add(name.upper(), externalId=f"subject-of-{name}", displayName="Erin")
    journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+clinicians"))
    assert journey.is_known()
    identity_of = LinkedIdentity.objects.using("signin").get(subject=f"subject-of-{name}")
    assert str(identity_of.user.public_id) == made["id"]


def signed_in_person(directory: Directory, installation: Any, name: str) -> tuple[Any, Visitor]:
    """Somebody whom the directory keeps, at a browser."""
    made = directory.add(name)
    user = User.objects.get(public_id=made["id"])
    password = reset_password(Context(), user)
    User.objects.filter(pk=user.pk).update(must_change_password=False)
    factors.defer(Context(), user, until=timezone.now() + timedelta(days=1))
    return made, Visitor(installation.address, Person(user=user, password=password))


@pytest.mark.parametrize("how", ["active=false", "DELETE"])
def test_whoever_leaves_the_house_is_out_at_once(
    how: str, directory: Directory, installation: Any, name: str
) -> None:
    made, visitor = signed_in_person(directory, installation, name)
    user = User.objects.get(public_id=made["id"])
    with Person(user=user, password="").acting() as elsewhere, visitor:
        with visitor.socket() as socket:
            socket.send(type="ping")
            assert socket.next_of("pong")
            with identity.entered(elsewhere.token):
                pass
            if how == "DELETE":
                assert directory.send("DELETE", f"Users/{made['id']}").status_code == 204
            else:
                changed = directory.patch(f"Users/{made['id']}", replace("active", False))
                assert changed.json()["active"] is False
            with pytest.raises(identity.NotSignedIn), identity.entered(elsewhere.token):
                pass
            assert visitor.get("/account/").status_code == 302
            socket.send(type="stop", answer=str(uuid4()))
            assert socket.next_of("bye", seconds=5)["code"] == "signed_out"
            with pytest.raises(ConnectionClosed):
                socket.receive(5)


def test_whoever_comes_back_gets_nothing_of_what_was_open(
    directory: Directory, installation: Any, name: str
) -> None:
    made, visitor = signed_in_person(directory, installation, name)
    user = User.objects.get(public_id=made["id"])
    with Person(user=user, password="").acting() as elsewhere, visitor:
        for active in (False, True):
            directory.patch(f"Users/{made['id']}", replace("active", active))
        assert User.objects.get(pk=user.pk).is_active
        assert visitor.get("/account/").status_code == 302
        with pytest.raises(identity.NotSignedIn), identity.entered(elsewhere.token):
            pass


def test_groups_give_roles_and_take_them(directory: Directory, name: str) -> None:
    made = directory.add(name)
    group = directory.add_group("Clinicians", made).json()
    assert User.objects.get(public_id=made["id"]).roles == ["staff"]
    assert Group.objects.get(id=group["id"]).members.count() == 1
    member = f'members[value eq "{made["id"]}"]'
    directory.patch(f"Groups/{group['id']}", {"op": "remove", "path": member})
    assert User.objects.get(public_id=made["id"]).roles == []
    directory.patch(
        f"Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
    )
    assert User.objects.get(public_id=made["id"]).roles == ["staff"]
    assert directory.send("DELETE", f"Groups/{group['id']}").status_code == 204
    assert User.objects.get(public_id=made["id"]).roles == []


def test_no_groups_make_administrator_and_something_else(
    directory: Directory, name: str
) -> None:
    made = directory.add(name)
    assert directory.add_group("clinicians", made).status_code == 201
    refused = directory.add_group("operators", made)
    assert refused.status_code == 409
    assert User.objects.get(public_id=made["id"]).roles == ["staff"]
    assert directory.http.get(f"Users/{made['id']}").json()["groups"][0]["display"] == "clinicians"


def test_it_finds_people_by_name_and_external_id(directory: Directory, name: str) -> None:
    made = directory.add(name, externalId=f"x-{name}")
    for asked in (
        f'userName eq "{name.upper()}"',
        f'externalId eq "x-{name}"',
        f'userName sw "{name}" and active eq true',
    ):
        listed = directory.http.get("Users", params={"filter": asked}).json()
        assert [each["id"] for each in listed["Resources"]] == [made["id"]], asked
    none = directory.http.get("Users", params={"filter": 'userName eq "nobody"'}).json()
    assert none["totalResults"] == 0
    assert directory.http.get("Users", params={"filter": "userName eq"}).status_code == 400


def test_a_list_comes_in_pages(directory: Directory, name: str) -> None:
    ids = [directory.add(f"{name}-{number}")["id"] for number in range(3)]
    asked: dict[str, str | int] = {"filter": f'userName sw "{name}-"', "count": 2}
    first = directory.http.get("Users", params=asked).json()
    second = directory.http.get("Users", params={**asked, "startIndex": 3}).json()
    assert (first["totalResults"], first["itemsPerPage"], second["itemsPerPage"]) == (3, 2, 1)
    assert [each["id"] for each in first["Resources"] + second["Resources"]] == ids


def test_people_whom_the_directory_does_not_keep_cannot_be_reached(
    directory: Directory, world: Any
) -> None:
    alice = world.alice.user
    assert directory.http.get(f"Users/{alice.public_id}").status_code == 404
    assert directory.patch(f"Users/{alice.public_id}", replace("active", False)).status_code == 404
    assert directory.send("DELETE", f"Users/{alice.public_id}").status_code == 404
    taken = directory.send("POST", "Users", schemas=[USER], userName=alice.username)
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    member = directory.add_group("choir", {"id": str(alice.public_id)})
    assert (member.status_code, member.json()["scimType"]) == (400, "invalidValue")
    assert User.objects.get(pk=alice.pk).is_active


def test_a_second_account_with_the_same_subject_is_refused(
    directory: Directory, name: str
) -> None:
    directory.add(name, externalId=f"x-{name}")
    second = directory.send(
        "POST", "Users", schemas=[USER], userName=f"{name}-2", externalId=f"x-{name}"
    )
    assert second.status_code == 409
    assert not User.objects.filter(username=f"{name}-2").exists()


def test_only_a_token_that_counts_opens_it(installation: Any, name: str) -> None:
    token, words = tokens.create(Context(), "short-lived")
    right = Directory(installation.address, words)
    assert right.http.get("Users").status_code == 200
    assert tokens.revoke(Context(), token.id)
    for wrong in (right, Directory(installation.address, "guessed")):
        refused = wrong.send("POST", "Users", schemas=[USER], userName=name)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert httpx.get(f"{installation.address}/scim/v2/Users").status_code == 401
    assert not User.objects.filter(username=name).exists()


def test_nobodys_session_opens_it(installation: Any, world: Any) -> None:
    with Visitor(installation.address, world.alice) as alice:
        assert alice.get("/scim/v2/Users").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b"{}", 400), (b'"' + b"a" * 1_100_000 + b'"', 413)],
    ids=["empty", "list", "broken", "no name", "too large"],
)
def test_what_is_no_person_is_refused_in_scims_words(
    body: bytes, status: int, directory: Directory
) -> None:
    refused = directory.http.post("Users", content=body)
    assert refused.status_code == status
    assert refused.headers["Content-Type"] == "application/scim+json"
    assert refused.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert refused.json()["status"] == str(status)


def test_everything_the_directory_does_is_recorded(
    directory: Directory, name: str, superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    made = directory.add(name, externalId=f"x-{name}")
    group = directory.add_group("clinicians", made).json()
    directory.patch(f"Users/{made['id']}", replace("userName", f"{name}-2"))
    directory.patch(f"Users/{made['id']}", replace("active", False))
    directory.send("DELETE", f"Groups/{group['id']}")
    told = superuser(
        "select type, session is not null from compliance_event where object in (%s, %s)"
        " order by recorded_at",
        [made["id"], group["id"]],
    )
    assert [kind for kind, _ in told] == [
        "account.created",
        "account.identity_linked",
        "group.created",
        "group.member_added",
        "account.roles_changed",
        "account.renamed",
        "account.disabled",
        "group.deleted",
        "account.roles_changed",
    ]
    assert all(names_the_token for _, names_the_token in told)


def test_an_operator_makes_and_revokes_tokens(installation: Any) -> None:
    made = json.loads(installation.manage("scim-token", "create", "--json").stdout)
    right = Directory(installation.address, made["token"])
    assert right.http.get("ServiceProviderConfig").status_code == 200
    assert installation.manage("scim-token", "revoke", made["id"]).returncode == 0
    assert right.http.get("ServiceProviderConfig").status_code == 401
    assert installation.manage("scim-token", "revoke", made["id"]).returncode == 1
