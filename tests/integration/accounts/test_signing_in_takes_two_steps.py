"""A password alone opens nothing. A second factor does, once, and is the person's own."""

from typing import Any

import pytest
from django.db import connections, transaction
from django.db.utils import DatabaseError

from assistant.accounts.identity import NotSignedIn, entered
from assistant.accounts.models import Passkey, Session, User
from assistant.accounts.sessions import identity_token, stored_key
from assistant.chat.live import sitting_of
from tests.integration.web.routes import ROUTES
from tests.people import make_person
from tests.second_step import (
    App,
    enrolled,
    first_step,
    forget_used_codes,
    keep_codes,
    send,
    set_up_app,
)
from tests.visitor import Visitor

PAGE = "/second-factor/"


@pytest.fixture
def address(installation: Any) -> str:
    return str(installation.address)


@pytest.fixture
def dora(database: Any) -> Any:
    return make_person("dora", days_without_second_factor=0)


def events_of(superuser: Any, person: Any) -> list[str]:
    query = (
        "select type from compliance_event where actor = %s or object = %s "
        "order by recorded_at, event_id"
    )
    return [kind for (kind,) in superuser(query, [person.user.public_id] * 2)]


def test_a_password_alone_yields_a_session_with_zero_scopes(dora: Any, address: str) -> None:
    with first_step(address, dora) as visitor:
        cookie = visitor.http.cookies["cloister"]
        with pytest.raises(NotSignedIn), entered(identity_token(cookie)):
            pass
        assert sitting_of({b"cookie": f"cloister={cookie}".encode()}) is None
        with visitor.socket() as socket:
            assert socket.receive(10)["code"] == "signed_out"
        for page in ("/", "/chat/", "/matters/", "/account/", "/help/", "/people/", "/record/"):
            response = visitor.get(page)
            assert (response.status_code, response.headers["Location"][:15]) == (302, PAGE), page


def test_only_the_pages_of_the_second_step_are_open_halfway(dora: Any, address: str) -> None:
    from django.urls import reverse

    with first_step(address, dora) as visitor:
        opened = set()
        for name, route in ROUTES.items():
            if route.method != "GET" or route.takes_ids:
                continue
            if not visitor.get(reverse(name)).headers.get("Location", "").startswith(PAGE + "?"):
                opened.add(name)
    assert opened == {
        "second-factor", "set-up-second-factor", "set-up-app", "set-up-passkey", "recovery-codes"
    }  # fmt: skip


def test_somebody_new_sets_one_up_and_is_in(dora: Any, address: str, superuser: Any) -> None:
    with first_step(address, dora) as visitor:
        before = visitor.http.cookies["cloister"]
        wanted = visitor.get("/help/").headers["Location"]
        assert visitor.get(wanted).headers["Location"] == "/second-factor/set-up/"
        set_up_app(visitor)
        assert visitor.get("/matters/").headers["Location"].startswith(PAGE), "codes are not kept"
        keep_codes(visitor)
        after = visitor.http.cookies["cloister"]
        assert before != after, "the session key must change with what the session may do"
        assert not Session.objects.filter(session_key=stored_key(before)).exists()
        assert visitor.get("/matters/").status_code == 200
    assert events_of(superuser, dora)[-6:] == [
        "account.created",
        "account.sign_in_begun",
        "account.second_factor_added",
        "account.recovery_codes_made",
        "account.recovery_codes_kept",
        "account.signed_in",
    ]


def test_the_next_time_a_code_is_asked_for_and_taken_once(dora: Any, address: str) -> None:
    app, _ = enrolled(address, dora)
    with first_step(address, dora) as one, first_step(address, dora) as other:
        code = app.code()
        assert send(one, PAGE, {"code": code}).status_code == 302
        assert one.get("/matters/").status_code == 200
        again = send(other, PAGE, {"code": code})
        assert "used before" in again.text
        assert other.get("/matters/").status_code == 302


def test_the_wanted_page_comes_after_both_steps(dora: Any, address: str) -> None:
    app, _ = enrolled(address, dora)
    with first_step(address, dora) as visitor:
        visitor.get(visitor.get("/help/").headers["Location"])
        assert send(visitor, PAGE, {"code": app.code()}).headers["Location"] == "/help/"
    forget_used_codes(dora)
    with first_step(address, dora) as visitor:
        visitor.get(PAGE + "?next=https://elsewhere.example/")
        assert send(visitor, PAGE, {"code": app.code()}).headers["Location"] == "/"


def test_a_recovery_code_works_once(dora: Any, address: str, superuser: Any) -> None:
    _, codes = enrolled(address, dora)
    with first_step(address, dora) as visitor:
        assert send(visitor, PAGE, {"code": codes[0].replace("-", " ")}).status_code == 302
        assert "9 recovery codes left" in visitor.get("/account/").text
    with first_step(address, dora) as visitor:
        assert "not right" in send(visitor, PAGE, {"code": codes[0]}).text
    assert "account.recovery_code_used" in events_of(superuser, dora)


def test_the_code_typed_back_is_not_used_up_and_a_wrong_one_keeps_nothing(
    dora: Any, address: str
) -> None:
    with first_step(address, dora) as visitor:
        set_up_app(visitor)
        shown = send(visitor, "/second-factor/recovery/", {"do": "make"})
        wrong = send(visitor, "/second-factor/recovery/", {"code": "aaaa-aaaa-aaaa-aaaa"})
        assert shown.status_code == 200
        assert "none of the codes" in wrong.text
        assert visitor.get("/matters/").status_code == 302
        codes = keep_codes(visitor)
    with first_step(address, dora) as visitor:
        assert send(visitor, PAGE, {"code": codes[3]}).status_code == 302


def test_wrong_codes_lock_the_account_and_the_password_does_not_help(
    dora: Any, address: str, superuser: Any
) -> None:
    app, _ = enrolled(address, dora)
    tried = 0
    for _ in range(2):  # giving the password again must not start the count anew
        with first_step(address, dora) as visitor:
            for _ in range(3):
                if tried < 5:
                    send(visitor, PAGE, {"code": "000000"})
                    tried += 1
    with Visitor(address) as visitor:
        form = {"username": dora.username, "password": dora.password}
        assert "locked for a quarter" in visitor.post("/sign-in/", form).text
    kinds = events_of(superuser, dora)
    assert kinds.count("account.second_factor_failed") == 5
    assert "account.locked" in kinds
    assert app


def test_a_lock_ends_what_is_halfway(dora: Any, address: str) -> None:
    app, _ = enrolled(address, dora)
    with first_step(address, dora) as visitor:
        for _ in range(5):
            send(visitor, PAGE, {"code": "000000"})
        assert "locked for a quarter" in send(visitor, PAGE, {"code": app.code()}).text
        assert visitor.get("/matters/").headers["Location"].startswith("/sign-in/")


def test_somebody_halfway_who_has_a_factor_cannot_add_another(dora: Any, address: str) -> None:
    enrolled(address, dora)
    with first_step(address, dora) as visitor:
        for page in ("set-up/", "set-up/app/", "set-up/passkey/", "recovery/"):
            assert visitor.get(PAGE + page).headers["Location"] == PAGE, page


def test_stopping_halfway_ends_the_session(dora: Any, address: str) -> None:
    with first_step(address, dora) as visitor:
        cookie = visitor.http.cookies["cloister"]
        assert send(visitor, "/second-factor/set-up/", {}).status_code == 405
        visitor.post("/sign-out/", {})
        assert not Session.objects.filter(session_key=stored_key(cookie)).exists()


def test_another_persons_code_is_not_taken(dora: Any, address: str) -> None:
    enrolled(address, dora)
    erik = make_person("erik", days_without_second_factor=0)
    app, codes = enrolled(address, erik)
    for code in (app.code(), codes[0]):
        with first_step(address, dora) as visitor:
            assert "not right" in send(visitor, PAGE, {"code": code}).text


def test_until_it_is_due_the_password_is_enough_and_every_page_says_so(address: str) -> None:
    frida = make_person("frida")
    with Visitor(address, frida) as visitor:
        for page in ("/matters/", "/help/", "/account/"):
            assert "signing in needs a second factor" in visitor.get(page).text


def test_once_set_up_it_is_asked_for_although_it_is_not_due(address: str) -> None:
    frida = make_person("frida")
    with Visitor(address, frida) as visitor:
        set_up_app(visitor)
        keep_codes(visitor)
        assert "signing in needs a second factor" not in visitor.get("/help/").text
    with first_step(address, frida) as visitor:
        assert visitor.get("/help/").headers["Location"].startswith(PAGE)


def test_the_applications_role_reads_no_secret_and_signs_nobody_in(dora: Any, address: str) -> None:
    app, _ = enrolled(address, dora)
    assert isinstance(app, App)
    forbidden = [
        "select 1 from accounts_authenticator",
        "select 1 from accounts_passkey",
        "select 1 from accounts_recoverycode",
        "update accounts_session set signed_in_at = now(), stepped_up_at = now()",
        "update accounts_session set factor = 'totp'",
        "update accounts_user set second_factor_due_at = now() + interval '1 year'",
        f"insert into accounts_user (public_id, username, display_name, roles, is_active, "
        f"must_change_password, session_secret, created_at, second_factor_due_at) values "
        f"(gen_random_uuid(), '{dora.username}x', 'x', '{{}}', true, false, '', now(), now())",
    ]
    with first_step(address, dora):
        for statement in forbidden:
            with pytest.raises(DatabaseError, match=r"permission denied|only the sign-in role"):
                with transaction.atomic(), connections["default"].cursor() as cursor:
                    cursor.execute(statement)


def test_a_secret_is_sealed_where_it_is_stored(dora: Any, address: str, superuser: Any) -> None:
    app, codes = enrolled(address, dora)
    rows = superuser(
        "select sealed_secret from accounts_authenticator where user_id = %s", [dora.user.pk]
    )
    assert app.secret not in bytes(rows[0][0])
    hashes = superuser(
        "select code_hash from accounts_recoverycode where user_id = %s", [dora.user.pk]
    )
    assert not {code for (code,) in hashes} & set(codes)


def test_the_same_passkey_cannot_belong_to_two_people(dora: Any) -> None:
    erik = make_person("erik")
    key = {"name": "a key", "rp_id": "localhost", "credential_id": b"1" * 16, "public_key": b"2"}
    Passkey.objects.using("signin").create(user_id=dora.user.pk, **key)
    with pytest.raises(DatabaseError):
        Passkey.objects.using("signin").create(user_id=erik.user.pk, **key)
    Passkey.objects.using("signin").filter(user_id=dora.user.pk).delete()


def test_a_closed_account_gets_no_further_than_anybody(dora: Any, address: str) -> None:
    app, _ = enrolled(address, dora)
    with first_step(address, dora) as visitor:
        User.objects.filter(pk=dora.user.pk).update(is_active=False)
        assert visitor.get(PAGE).headers["Location"].startswith("/sign-in/")
    assert app
