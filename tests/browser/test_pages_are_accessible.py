"""Every page: no violation of WCAG 2.2 AA that axe can find, wide and narrow, light and dark."""

import pytest
from playwright.sync_api import expect

from assistant.access.barriers import OPERATOR, Draft, raise_barrier
from assistant.access.models import Kind
from assistant.access.teams import set_purposes
from compliance.events import Context
from tests.browser.asking import ask, open_chat, wait_until_answered
from tests.browser.conftest import PHONE, WIDE
from tests.browser.second_factor import keep_codes, set_up_app
from tests.people import make_group, make_person
from tests.samples import LEASE

LOOKS = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "wide-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone-light": {"viewport": PHONE, "color_scheme": "light"},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark"},
}
RENT = "The monthly rent is 4,250 euros and is due on the third working day of each month."
SLIDE_MS = 400


@pytest.fixture(params=LOOKS)
def page(request, open_browser):
    return open_browser(**LOOKS[request.param]).new_page()


def no_sideways_scrolling(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture
def is_fine(violations):
    def check(page):
        assert violations(page) == []
        assert no_sideways_scrolling(page)

    return check


def test_signing_in(page, site, is_fine):
    page.goto("/sign-in/")
    is_fine(page)
    page.get_by_role("button", name="Sign in").evaluate("button => button.form.noValidate = true")
    page.get_by_role("button", name="Sign in").click()
    is_fine(page)


def test_pages_of_a_lead(page, world, sign_in, is_fine):
    version = world.add("lease.md", LEASE)
    sign_in(page, world.alice)
    for address in (
        "/account/",
        "/help/",
        "/matters/",
        f"/matters/{world.matter.id}/",
        f"/matters/{world.matter.id}/documents/",
        f"/documents/{version.document_id}/?span=10-40",
        f"/documents/{version.document_id}/labels/",
        "/purpose/",
    ):
        page.goto(address)
        is_fine(page)


def test_pages_of_a_privacy_officer(page, world, sign_in, is_fine):
    world.add("lease.md", LEASE)
    make_group("conflicted", world.bob)
    officer = make_person("olga", "privacy_officer")
    sign_in(page, officer)
    page.goto("/barriers/")
    is_fine(page)
    page.get_by_label("Matter", exact=True).select_option(str(world.matter.id))
    page.get_by_label("People it names").fill(world.bob.username)
    page.get_by_label("Reason").fill("Advised the other side last year.")
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=world.bob.username)).to_be_visible()
    is_fine(page)
    page.get_by_role("button", name="Raise it").click()
    expect(page.get_by_text("Advised the other side last year.").first).to_be_visible()
    is_fine(page)


def test_a_withheld_answer(page, world, sign_in, model, is_fine):
    world.add("lease.md", LEASE)
    model.enqueue(RENT)
    sign_in(page, world.bob)
    open_chat(page, world.matter.id)
    ask(page, "How much is the monthly rent?")
    wait_until_answered(page.locator(".turn"))
    seal = Draft(kind=Kind.SEAL, document=world.documents["lease.md"], people=(world.alice.user,))
    raise_barrier(Context(), seal, reason="Order of the court.", using=OPERATOR)
    page.reload()
    expect(page.get_by_text("This answer is withheld")).to_be_visible()
    expect(page.get_by_text("4,250")).to_have_count(0)
    is_fine(page)


def test_the_choice_of_a_purpose(page, world, sign_in, is_fine):
    with world.as_alice() as acting:
        set_purposes(
            acting.record, world.matter, purposes="treatment billing", opens_in_emergency=False
        )
    sign_in(page, world.bob)
    expect(page.get_by_role("heading", name="For what do you read?")).to_be_visible()
    is_fine(page)
    page.get_by_label("Treatment").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-scope]")).to_contain_text("purpose: treatment")
    is_fine(page)


def test_the_chat_from_empty_to_source(page, world, sign_in, model, is_fine):
    world.add("lease.md", LEASE)
    model.enqueue(f"{RENT} The house has 17 windows and a cellar full of wine.")
    sign_in(page, world.bob)
    open_chat(page, world.matter.id)
    is_fine(page)
    page.get_by_label("Your question").fill("How much is the monthly rent?")
    page.get_by_role("button", name="Ask").click()
    turn = wait_until_answered(page.locator(".turn"))
    is_fine(page)
    turn.get_by_role("button", name="Not helpful").click()
    is_fine(page)
    turn.get_by_role("button", name="Source 1").click()
    expect(page.locator("[data-source] mark")).to_be_visible()
    page.wait_for_timeout(SLIDE_MS)
    is_fine(page)


def test_menus_and_dialogs(page, world, sign_in, is_fine):
    sign_in(page, world.bob)
    open_chat(page, world.matter.id)
    page.get_by_text(world.bob.user.display_name).click()
    is_fine(page)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    is_fine(page)


def test_pages_of_an_administrator(page, database, sign_in, is_fine):
    sign_in(page, make_person("Ada", "administrator"))
    for address in ("/people/", "/people/directory/"):
        page.goto(address)
        is_fine(page)


def test_setting_up_and_giving_a_second_factor(page, database, sign_in, is_fine):
    dora = make_person("Dora", days_without_second_factor=0)
    sign_in(page, dora)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    is_fine(page)
    page.goto("/second-factor/set-up/passkey/")
    is_fine(page)
    app = set_up_app(page, look=lambda: is_fine(page))
    is_fine(page)
    keep_codes(page, look=lambda: is_fine(page))
    page.goto("/account/")
    is_fine(page)
    page.goto("/step-up/")
    is_fine(page)
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    is_fine(page)
    page.goto("/account/")
    page.get_by_text(dora.user.display_name).first.click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, dora)
    is_fine(page)
    assert app


def test_a_person_as_administrators_see_them(page, world, sign_in, is_fine):
    sign_in(page, make_person("Ada", "administrator"))
    page.goto(f"/people/{world.bob.user.public_id}/")
    is_fine(page)


def test_pages_of_an_auditor(page, database, sign_in, is_fine):
    sign_in(page, make_person("Otto", "auditor"))
    page.goto("/record/")
    is_fine(page)
    page.locator("[data-rows] a").first.click()
    is_fine(page)


def test_a_page_that_is_not_there(page, world, sign_in, is_fine, complaints):
    complaints.expected.append("404")
    sign_in(page, world.charlie)
    page.goto(f"/matters/{world.matter.id}/")
    assert page.get_by_role("heading", name="There is nothing here for you").is_visible()
    is_fine(page)


@pytest.mark.parametrize("width", [320, 3840])
def test_nothing_is_cut_off_at(width, open_browser, world, sign_in, model):
    world.add("lease.md", LEASE)
    model.enqueue(RENT)
    page = open_browser(viewport={"width": width, "height": 900}).new_page()
    sign_in(page, world.alice)
    for address in ("/account/", "/help/", "/matters/", f"/matters/{world.matter.id}/documents/"):
        page.goto(address)
        assert no_sideways_scrolling(page), address
    open_chat(page, world.matter.id)
    wait_until_answered(ask(page, "How much is the monthly rent?"))
    assert no_sideways_scrolling(page)
