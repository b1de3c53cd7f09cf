"""What reaches far asks again who is there, and loses nothing of what was sent."""

import re
from typing import Any

import pytest

from assistant.accounts import factors, people
from assistant.accounts.models import Session, User
from compliance.events import Context
from tests.people import Person, make_person
from tests.second_step import (
    enrolled,
    first_step,
    forget_used_codes,
    keep_codes,
    send,
    set_up_app,
)
from tests.visitor import Visitor


@pytest.fixture
def ada(database: Any) -> Person:
    return make_person("ada", "administrator")


@pytest.fixture
def dora(database: Any) -> Person:
    return make_person("dora")


@pytest.fixture
def later(superuser: Any) -> Any:
    """Let some minutes pass since somebody proved who they are."""

    def run(person: Person, minutes: int = 6) -> None:
        superuser(
            "update accounts_session set stepped_up_at = stepped_up_at - make_interval(mins => %s),"
            " signed_in_at = signed_in_at - make_interval(mins => %s) where user_id = %s",
            [minutes, minutes, person.user.pk],
        )

    return run


def acts_on(person: Person) -> list[tuple[str, dict[str, str]]]:
    about = f"/people/{person.user.public_id}"
    return [
        ("/people/new/", {"username": "", "display_name": ""}),
        (f"{about}/roles/", {"roles": "knowledge_manager"}),
        (f"{about}/active/", {"active": "no"}),
        (f"{about}/password/", {}),
        (f"{about}/sessions/end/", {}),
        (f"{about}/second-factors/reset/", {}),
        (f"{about}/second-factors/defer/", {"days": "3"}),
    ]


def test_every_act_of_administration_asks_again(
    ada: Person, dora: Person, installation: Any, later: Any
) -> None:
    with Visitor(installation.address, ada) as office:
        later(ada)
        for address, fields in acts_on(dora):
            response = office.post(address, fields)
            assert response.headers.get("Location", "").startswith("/step-up/"), address
    dora.user.refresh_from_db()
    assert (dora.user.roles, dora.user.is_active) == (["staff"], True)


def test_just_after_signing_in_nothing_is_asked_twice(
    ada: Person, dora: Person, installation: Any
) -> None:
    with Visitor(installation.address, ada) as office:
        address, fields = acts_on(dora)[1]
        assert office.post(address, fields).headers["Location"] == "/people/"


def test_what_was_sent_is_shown_again_and_done_only_then(
    ada: Person, dora: Person, installation: Any, later: Any
) -> None:
    with Visitor(installation.address, ada) as office:
        later(ada)
        address, fields = acts_on(dora)[1]
        office.post(address, fields)
        assert "change somebody" in office.get("/step-up/").text
        wrong = send(office, "/step-up/", {"password": "wrong", "next": ""})
        assert "not your password" in wrong.text
        after = send(office, "/step-up/", {"password": ada.password, "next": ""})
        assert after.headers["Location"] == "/step-up/go-on/"
        page = office.get("/step-up/go-on/").text
        assert User.objects.get(pk=dora.user.pk).roles == ["staff"]
        assert f'action="{address}"' in page
        assert 'name="roles" value="knowledge_manager"' in page
        assert office.post(address, fields).headers["Location"] == "/people/"
    assert User.objects.get(pk=dora.user.pk).roles == ["knowledge_manager"]


def test_what_was_kept_is_not_readable_in_the_sessions_table(
    ada: Person, dora: Person, installation: Any, later: Any
) -> None:
    with Visitor(installation.address, ada) as office:
        later(ada)
        office.post("/people/new/", {"username": "new-comer-x", "display_name": "A Name"})
        row = Session.objects.get(user=ada.user)
        from assistant.accounts.sessions import SessionStore

        kept = SessionStore().decode(row.session_data)
        assert "new-comer-x" not in str(kept)
        assert "kept_form" in kept


def test_whoever_has_a_second_factor_gives_that_and_no_password(
    dora: Person, installation: Any, later: Any, superuser: Any
) -> None:
    with Visitor(installation.address, dora) as visitor:
        app = set_up_app(visitor)
        keep_codes(visitor)
        forget_used_codes(dora)
        later(dora)
        page = visitor.get("/second-factor/set-up/")
        assert page.headers["Location"] == "/step-up/?next=%2Fsecond-factor%2Fset-up%2F"
        wanted = {"next": "/second-factor/set-up/"}
        refused = send(visitor, "/step-up/", {"password": dora.password, **wanted})
        assert "not right" in refused.text
        done = send(visitor, "/step-up/", {"code": app.code(), **wanted})
        assert done.headers["Location"] == "/second-factor/set-up/"
        assert visitor.get("/second-factor/set-up/").status_code == 200
    methods = superuser(
        "select convert_from(header, 'UTF8')::jsonb #>> '{fields,method}' from compliance_event "
        "where type = 'account.stepped_up' and actor = %s",
        [dora.user.public_id],
    )
    assert methods == [("totp",)]


def test_others_find_nothing_before_they_are_asked_anything(
    dora: Person, installation: Any, later: Any
) -> None:
    with Visitor(installation.address, dora) as visitor:
        later(dora)
        for address, fields in acts_on(dora):
            assert visitor.post(address, fields).status_code == 404


def test_removing_a_second_factor_asks_again_and_the_last_one_stays(
    installation: Any, later: Any
) -> None:
    erik = make_person("erik", days_without_second_factor=0)
    app, _ = enrolled(installation.address, erik)
    with first_step(installation.address, erik) as visitor:
        send(visitor, "/second-factor/", {"code": app.code()})
        page = visitor.get("/account/").text
        found = re.search(r"/account/second-factors/[0-9a-f-]+/remove/", page)
        assert found
        later(erik)
        asked = visitor.post(found.group(), {})
        assert asked.headers["Location"].startswith("/step-up/")
        forget_used_codes(erik)
        send(visitor, "/step-up/", {"code": app.code(), "next": "/account/"})
        kept = visitor.post(found.group(), {})
        assert kept.headers["Location"] == "/account/?kept=1"
        assert "last second factor" in visitor.get("/account/?kept=1").text
    assert factors.owned_by(erik.user).any


def test_after_a_reset_somebody_sets_up_anew(installation: Any, ada: Person) -> None:
    erik = make_person("erik", days_without_second_factor=0)
    enrolled(installation.address, erik)
    with Visitor(installation.address, ada) as office:
        address = f"/people/{erik.user.public_id}/second-factors/reset/"
        assert office.post(address, {}).status_code == 302
        own = f"/people/{ada.user.public_id}/second-factors/reset/"
        assert office.post(own, {}).status_code == 400
    with first_step(installation.address, erik) as visitor:
        assert visitor.get("/second-factor/").headers["Location"] == "/second-factor/set-up/"


def test_an_exemption_is_recorded_and_has_an_end(
    installation: Any, ada: Person, superuser: Any
) -> None:
    erik = make_person("erik", days_without_second_factor=0)
    with Visitor(installation.address, ada) as office:
        address = f"/people/{erik.user.public_id}/second-factors/defer/"
        assert office.post(address, {"days": "31"}).status_code == 400
        assert office.post(address, {"days": "7"}).status_code == 302
    with Visitor(installation.address, erik) as visitor:
        assert visitor.get("/matters/").status_code == 200
    people.defer_second_factor(Context(), erik.user, days=0)
    with first_step(installation.address, erik) as visitor:
        assert visitor.get("/matters/").headers["Location"].startswith("/second-factor/")
    rows = superuser(
        "select actor, convert_from(header, 'UTF8')::jsonb #>> '{fields,until}' "
        "from compliance_event where type = 'account.second_factor_deferred' and object = %s "
        "order by recorded_at",
        [erik.user.public_id],
    )
    assert [actor for actor, _ in rows] == [ada.user.public_id, None]
    assert rows[1][1] == "now"
