"""Break-glass and access reviews in a browser: told without a reload, and readable by everybody."""

import time

import pytest
from playwright.sync_api import expect

from tests import glass
from tests.browser.test_pages_are_accessible import LOOKS, no_sideways_scrolling
from tests.people import make_person
from tests.samples import LEASE

TOLD_WITHIN_MS = 2000


@pytest.fixture
def olga(database):
    return make_person("Olga", "privacy_officer")


@pytest.fixture
def at(open_browser, sign_in):
    """A tab of somebody's own at an address."""

    def run(person, address, **options):
        page = open_browser(**options).new_page()
        sign_in(page, person)
        page.goto(address)
        return page

    return run


def test_an_officer_s_open_page_tells_of_a_request_within_two_seconds(world, olga, at):
    office = at(olga, "/matters/")
    counted = office.locator("[data-count=notices]")
    number = int(counted.locator("[data-number]").text_content())
    glass.ask(world, world.charlie)
    began = time.monotonic()
    expect(counted.locator("[data-number]")).to_have_text(str(number + 1), timeout=TOLD_WITHIN_MS)
    assert time.monotonic() - began <= TOLD_WITHIN_MS / 1000
    expect(office.locator("#announcer")).to_contain_text("break-glass")
    office.get_by_role("link", name="Notices").click()
    expect(office.get_by_role("row").filter(has_text="asked for break-glass").first).to_be_visible()


def test_it_is_approved_seen_and_ended_without_a_reload_by_hand(world, olga, at):
    world.add("lease.md", LEASE)
    asked = glass.ask(world, world.charlie)
    charlie = at(world.charlie, f"/break-glass/{asked.pk}/")
    expect(charlie.get_by_text("Somebody else decides now")).to_be_visible()
    office = at(olga, f"/break-glass/{asked.pk}/")
    expect(office.get_by_text(glass.TEXT)).to_be_visible()
    office.get_by_role("button", name="Approve").focus()
    office.keyboard.press("Enter")
    expect(office.get_by_text("Approved", exact=True)).to_be_visible()

    banner = charlie.get_by_role("complementary", name="Break-glass")
    expect(banner).to_contain_text("30 minutes left")
    charlie.get_by_role("link", name="Documents", exact=True).click()
    expect(charlie.get_by_role("link", name="lease.md")).to_be_visible()
    office.get_by_role("button", name="End this access now").click()
    expect(banner).to_contain_text("Break-glass has ended", timeout=TOLD_WITHIN_MS)
    charlie.get_by_role("link", name="Leave this page").click()
    expect(banner).to_have_count(0)


def test_a_lead_confirms_one_by_one_and_all_at_once(world, at):
    glass.open_review()
    alice = at(world.alice, "/matters/")
    alice.get_by_role("link", name="Reviews").click()
    alice.get_by_role("link", name="Open the review").first.click()
    row = alice.get_by_role("row").filter(has_text=world.bob.username)
    row.get_by_role("button", name="Confirm Bob").click()
    expect(row).to_contain_text("Confirmed by Alice")
    alice.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove Bob").click()
    expect(row).to_contain_text("Removed")
    expect(row.get_by_role("button")).to_have_count(0)


@pytest.fixture(params=[*LOOKS, "narrow"])
def look(request):
    return LOOKS.get(request.param, {"viewport": {"width": 320, "height": 700}})


def test_its_pages_can_be_read_by_everybody(world, olga, at, look, violations):
    def is_fine(page):
        assert violations(page) == []
        assert no_sideways_scrolling(page), page.url

    glass.let_in_emergencies(world)
    opened = glass.ask(world, world.charlie, urgent=True)
    ended, review = glass.ask(world, world.bob), glass.open_review()
    glass.approve(ended, world.alice)
    glass.let_time_pass(ended, minutes=31)
    waits = glass.ask(world, make_person("Dora"))
    charlie = at(world.charlie, "/break-glass/", **look)
    mine = f"/break-glass/{opened.pk}/"
    for address in ("/break-glass/", "/break-glass/ask/", mine, "/reviews/"):
        charlie.goto(address)
        is_fine(charlie)
    office = at(olga, "/notices/", **look)
    for address in (
        "/notices/",
        "/break-glass/",
        *(f"/break-glass/{each.pk}/" for each in (opened, ended, waits)),
        "/reviews/",
        f"/reviews/{review}/",
    ):
        office.goto(address)
        is_fine(office)
    alice = at(world.alice, f"/reviews/{review}/", **look)
    is_fine(alice)
