"""No combination of roles can both give access and touch the record of it: all are tried."""

from itertools import combinations
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.db.utils import IntegrityError

from assistant.access.matters import add_member
from assistant.accounts import people
from assistant.accounts.identity import entered
from assistant.accounts.models import Role, User
from compliance.events import Context
from tests.people import Person, make_person
from tests.visitor import Visitor

COMBINATIONS = [
    frozenset(some) for size in range(len(Role) + 1) for some in combinations(sorted(Role), size)
]
ALLOWED = [
    some
    for some in COMBINATIONS
    if (Role.ADMINISTRATOR not in some or len(some) == 1)
    and not some >= {Role.AUDITOR, Role.KNOWLEDGE_MANAGER}
    and not some >= {Role.AUDITOR, Role.PRIVACY_OFFICER}
]
CHANGES = [
    "update compliance_event set type = 'x.y'",
    "delete from compliance_event",
    "truncate compliance_event",
    "alter table compliance_event disable trigger all",
]


@pytest.fixture(scope="module")
def ada(database: Any) -> Person:
    """An administrator."""
    return make_person("ada", "administrator")


def named(some: frozenset[Role]) -> str:
    return "+".join(sorted(some)) or "none"


@pytest.mark.parametrize("some", COMBINATIONS, ids=named)
def test_only_roles_that_go_together_are_given(some: frozenset[Role], ada: Person) -> None:
    user = make_person("dora").user
    if some in ALLOWED:
        with ada.entered() as acting:
            people.set_roles(acting.record, user, some)
        assert set(User.objects.get(pk=user.pk).roles) == set(some)
        return
    with pytest.raises(ValidationError), ada.entered() as acting:
        people.set_roles(acting.record, user, some)
    # The database holds to it as well, whoever writes.
    with pytest.raises(IntegrityError), ada.entered():
        User.objects.filter(pk=user.pk).update(roles=sorted(some))


@pytest.mark.parametrize("some", ALLOWED, ids=named)
def test_auditors_give_no_access_and_nobody_changes_the_record(
    some: frozenset[Role], installation: Any, ada: Person
) -> None:
    person = make_person("dora")
    with ada.entered() as acting:
        people.set_roles(acting.record, person.user, some)
    with Visitor(installation.address, person) as visitor:
        reads = visitor.get("/record/").status_code == 200
        gives = visitor.get("/people/").status_code == 200 or (
            visitor.post("/matters/new/", {"reference": "T", "name": "x"}).status_code == 302
            or visitor.get("/barriers/").status_code == 200
        )
    # Privacy officers look into what happened, and cannot change what is written of them either.
    assert reads == bool(some & {Role.AUDITOR, Role.PRIVACY_OFFICER})
    assert not (Role.AUDITOR in some and gives)
    with person.acting() as acting:
        for statement in CHANGES:
            with pytest.raises(DatabaseError):
                with entered(acting.token), connection.cursor() as cursor:
                    cursor.execute(statement)


def test_an_administrator_is_in_no_matter(world: Any) -> None:
    ada = make_person("ada", "administrator")
    with world.as_alice() as acting, pytest.raises(ValidationError, match="in no matter"):
        add_member(acting.record, world.matter, acting.user, username=ada.username, level="member")
    with pytest.raises(ValidationError, match="second account"):
        people.set_roles(Context(), world.bob.user, ["administrator"])


def test_an_auditor_leads_no_matter(world: Any) -> None:
    otto: Person = make_person("otto", "auditor")
    with world.as_alice() as acting, pytest.raises(ValidationError, match="auditor"):
        add_member(acting.record, world.matter, acting.user, username=otto.username, level="lead")


@pytest.mark.parametrize(
    "change",
    ["roles = array['administrator']", "clearance = 2", "purposes = array['research']"],
)
@pytest.mark.parametrize("forget", [False, True])
def test_nobody_gives_themself_more_by_injected_sql(world: Any, change: str, forget: bool) -> None:
    forgotten = "select set_config('cloister.identity', '', true)" if forget else "select 1"
    statements = f"{forgotten}; update accounts_user set {change}"
    with pytest.raises(DatabaseError, match="only administrators"), world.bob.entered():
        connection.cursor().execute(statements)
