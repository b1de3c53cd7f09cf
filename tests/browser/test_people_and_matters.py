"""Matters and people: who is let in, who is taken out, who gets an account."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.second_factor import keep_codes, set_up_app
from tests.people import make_person


@pytest.fixture
def at(open_browser, sign_in):
    """A tab of somebody's own at an address."""

    def run(person, address):
        page = open_browser().new_page()
        sign_in(page, person)
        page.goto(address)
        return page

    return run


def test_a_knowledge_manager_opens_a_matter(world, at):
    page = at(world.alice, "/matters/")
    page.get_by_label("Reference").fill("2024-118")
    page.get_by_label("Name", exact=True).fill("Calder against Wren")
    page.get_by_role("button", name="Open matter").click()
    expect(page.get_by_role("heading", name="2024-118", level=1)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Alice")).to_contain_text("lead")


def test_others_are_not_offered_to_open_one(world, at):
    page = at(world.charlie, "/matters/")
    expect(page.get_by_role("heading", name="You are in no matter yet")).to_be_visible()
    expect(page.get_by_role("button", name="Open matter")).to_have_count(0)


def test_who_is_added_sees_the_matter_until_they_are_taken_out(world, at):
    alice = at(world.alice, f"/matters/{world.matter.id}/")
    charlie = at(world.charlie, "/matters/")
    added = alice.get_by_role("row").filter(has_text=world.charlie.username)
    alice.get_by_label("Signs in as").fill(world.charlie.username)
    alice.get_by_role("button", name="Add", exact=True).click()
    expect(added).to_contain_text("member")
    charlie.reload()
    expect(charlie.get_by_role("link", name=world.matter.reference, exact=True)).to_be_visible()

    alice.once("dialog", lambda dialog: dialog.accept())
    added.get_by_role("button", name="Remove Charlie").click()
    expect(added).to_have_count(0)
    charlie.reload()
    expect(charlie.get_by_role("heading", name="You are in no matter yet")).to_be_visible()


def test_the_last_lead_stays(world, at, complaints):
    complaints.expected.append("status of 400")
    page = at(world.alice, f"/matters/{world.matter.id}/")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove Alice").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one lead")
    expect(page.get_by_role("row").filter(has_text="Alice")).to_be_visible()


def test_a_member_sees_who_is_in_it_and_changes_nothing(world, at):
    page = at(world.bob, f"/matters/{world.matter.id}/")
    expect(page.locator("main tbody tr")).to_have_count(2)
    expect(page.locator("main").get_by_role("button")).to_have_count(0)


@pytest.fixture
def office(database, at):
    """An administrator before the page of people."""
    return at(make_person("ada", "administrator"), "/people/")


def line_of(page, person):
    return page.get_by_role("row").filter(has_text=person.username)


def test_a_new_person_gets_a_password_that_is_shown_once_and_must_be_changed(office, open_browser):
    username = make_person("x").username.replace("x-", "newcomer-")
    office.get_by_label("Name", exact=True).fill("New Comer")
    office.get_by_label("Signs in as", exact=True).fill(username)
    office.get_by_role("button", name="Create account").click()
    password = office.locator(".secret").inner_text()
    office.goto("/people/")
    expect(office.locator(".secret")).to_have_count(0)

    page = open_browser().new_page()
    page.goto("/sign-in/")
    page.get_by_label("Name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    set_up_app(page)
    keep_codes(page)
    expect(page).to_have_url(re.compile("/account/"))
    page.goto("/matters/")
    expect(page).to_have_url(re.compile("/account/"))


def test_nobody_is_auditor_and_administrator_at_once(office, complaints):
    complaints.expected.append("status of 400")
    dora = make_person("dora")
    office.reload()
    line_of(office, dora).locator("summary").click()
    for role in ("Auditor", "Administrator"):
        line_of(office, dora).get_by_label(role).check()
    line_of(office, dora).get_by_role("button", name="Save the roles").click()
    expect(office.get_by_role("alert")).to_contain_text("auditor and administrator")
    expect(line_of(office, dora)).not_to_contain_text("Auditor, ")


def test_closing_an_account_ends_its_sessions_at_once(office, at):
    dora = make_person("dora")
    page = at(dora, "/matters/")
    office.reload()
    office.once("dialog", lambda dialog: dialog.accept())
    line_of(office, dora).get_by_role("button", name="Close the account").click()
    expect(line_of(office, dora)).to_contain_text("closed")
    page.reload()
    expect(page).to_have_url(re.compile("/sign-in/"))


def test_an_administrator_is_shown_no_content(office):
    office.goto("/matters/")
    expect(office.get_by_role("heading", name="You are in no matter yet")).to_be_visible()
