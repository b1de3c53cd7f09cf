"""Auditors and privacy officers ask who could see what; everybody else finds no such pages."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, WIDE
from tests.people import make_person

LOOKS = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "narrow-dark": {"viewport": {**PHONE, "width": 320}, "color_scheme": "dark"},
}


@pytest.fixture(params=LOOKS)
def page(request, open_browser):
    return open_browser(**LOOKS[request.param]).new_page()


@pytest.fixture
def is_fine(violations):
    def check(page):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    return check


@pytest.fixture
def document(world):
    return str(world.upload("lease.md", f"The rent is due. {uuid4()}").document_id)


def test_an_officer_asks_who_could_see_a_document_and_goes_on_to_a_person(
    page, world, document, sign_in, is_fine
):
    sign_in(page, make_person("olga", "privacy_officer"))
    page.goto("/rules/")
    is_fine(page)
    page.get_by_label("Document (id)").fill(document)
    page.get_by_role("button", name="Show who").click()
    expect(page.get_by_role("heading", name="Could read it: 2")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=world.bob.username)).to_contain_text(
        "in the matter by name"
    )
    is_fine(page)
    page.get_by_role("row").filter(has_text=world.bob.username).get_by_role("link").click()
    expect(page.get_by_role("heading", name="What Bob could see")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=document)).to_contain_text("yes")
    expect(page.get_by_text("lease.md")).to_have_count(0)
    is_fine(page)


def test_an_officer_tries_a_change_out_by_keyboard(page, world, document, sign_in, is_fine):
    sign_in(page, make_person("olga", "privacy_officer"))
    page.goto("/rules/try/")
    is_fine(page)
    page.get_by_label("What to try").select_option("add-member")
    page.get_by_label("Person, as they sign in").fill(world.charlie.username)
    page.get_by_label("Matter", exact=True).fill(world.matter.reference)
    page.get_by_label("Matter", exact=True).press("Enter")
    row = page.get_by_role("row").filter(has_text=world.charlie.username)
    expect(row).to_contain_text("not in the matter")
    expect(row).to_contain_text("in the matter by name")
    is_fine(page)


def test_what_is_not_understood_is_said_beside_what_was_given(page, sign_in, complaints, is_fine):
    complaints.expected.append("status of 400")
    sign_in(page, make_person("audra", "auditor"))
    page.goto("/rules/try/")
    page.get_by_label("What to try").select_option("clear")
    page.get_by_label("Person, as they sign in").fill("nobody-at-all")
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("alert")).to_contain_text("no account called nobody-at-all")
    expect(page.get_by_label("Person, as they sign in")).to_have_value("nobody-at-all")
    is_fine(page)
