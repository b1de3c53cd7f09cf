"""People prove themselves with a second factor: an app, a passkey, a code on paper."""

import re

import pytest
from playwright.sync_api import expect

from assistant.accounts.models import Passkey, Session
from tests.browser.second_factor import keep_codes, set_up_app
from tests.people import make_person
from tests.second_step import forget_used_codes

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def dora(database):
    return make_person("dora", days_without_second_factor=0)


@pytest.fixture
def named_site(site, complaints):
    """The site by its name: there are no passkeys at a network address."""
    complaints.site = site.replace("127.0.0.1", "localhost")
    return complaints.site


@pytest.fixture
def with_key(open_browser, named_site):
    """A tab in a browser that holds an authenticator."""
    page = open_browser(base_url=named_site).new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def sign_out(page, person):
    page.get_by_text(person.user.display_name).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")


def set_up_passkey(page, name="My laptop"):
    page.goto("/second-factor/set-up/")
    page.get_by_role("link", name="Set up a passkey").click()
    page.get_by_label("What to call it").fill(name)
    page.get_by_role("button", name="Make the passkey").click()


def test_an_app_is_set_up_and_signs_in(page, dora, sign_in):
    sign_in(page, dora)
    app = set_up_app(page)
    keep_codes(page)
    page.goto("/account/")
    expect(page.get_by_role("row").filter(has_text="Authenticator app")).to_be_visible()
    sign_out(page, dora)
    forget_used_codes(dora)
    sign_in(page, dora)
    page.get_by_label("Code from your app").fill(app.code())
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("header.bar")).to_be_visible()


def test_the_picture_holds_what_the_text_says(page, dora, sign_in):
    sign_in(page, dora)
    page.goto("/second-factor/set-up/app/")
    box = page.locator("svg.qr").bounding_box()
    assert box["width"] == box["height"] >= 200


def test_a_passkey_is_set_up_and_signs_in(with_key, dora, sign_in):
    page = with_key
    sign_in(page, dora)
    set_up_passkey(page)
    keep_codes(page)
    page.goto("/account/")
    expect(page.get_by_role("row").filter(has_text="My laptop")).to_contain_text("passkey")
    sign_out(page, dora)
    sign_in(page, dora)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("header.bar")).to_be_visible()
    assert Session.objects.get(user=dora.user).factor == "passkey"
    assert Passkey.objects.using("signin").get(user_id=dora.user.pk).last_used_at is not None


def test_a_passkey_confirms_a_step_up(with_key, dora, sign_in, superuser):
    page = with_key
    sign_in(page, dora)
    set_up_passkey(page)
    keep_codes(page)
    superuser("update accounts_session set stepped_up_at = '2020-01-01'")
    page.goto("/second-factor/set-up/")
    expect(page).to_have_url(re.compile("/step-up/"))
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()


def test_a_cloned_key_is_refused(with_key, dora, sign_in):
    page = with_key
    sign_in(page, dora)
    set_up_passkey(page)
    keep_codes(page)
    # Somebody has used a copy of the key more often than this one.
    Passkey.objects.using("signin").filter(user_id=dora.user.pk).update(sign_count=1_000)
    page.goto("/account/")
    sign_out(page, dora)
    sign_in(page, dora)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("was not taken")
    page.goto("/matters/")
    expect(page).to_have_url(re.compile("/second-factor/"))


def test_a_browser_without_passkeys_is_told_so(page, dora, sign_in):
    sign_in(page, dora)
    expect(page.get_by_text("opened by a network address")).to_be_visible()
    expect(page.get_by_role("link", name="Set up a passkey")).to_have_count(0)


def test_an_administrator_is_asked_again_and_loses_nothing(page, database, sign_in, superuser):
    ada = make_person("ada", "administrator")
    dora = make_person("dora")
    sign_in(page, ada)
    page.goto("/people/")
    superuser(
        "update accounts_session set stepped_up_at = '2020-01-01' where user_id = %s",
        [ada.user.pk],
    )
    line = page.get_by_role("row").filter(has_text=dora.username)
    line.locator("summary").click()
    line.get_by_label("Knowledge manager").check()
    line.get_by_role("button", name="Save the roles").click()
    page.get_by_label("Your password").fill(ada.password)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Yes, change somebody").click()
    line = page.get_by_role("row").filter(has_text=dora.username)
    expect(line).to_contain_text("Knowledge manager, Staff")
