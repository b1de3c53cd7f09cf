"""An auditor at the console: who saw a document, told apart from everything else that happened."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from compliance import log
from compliance.events import (
    AccessDenied,
    Context,
    Digest,
    DocumentOpened,
    EvidenceShown,
    PassageShown,
)
from tests.browser.conftest import PHONE, WIDE
from tests.people import make_person

LOOKS = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "narrow-dark": {"viewport": {**PHONE, "width": 320}, "color_scheme": "dark"},
}


@pytest.fixture(params=LOOKS)
def any_page(request, open_browser):
    return open_browser(**LOOKS[request.param]).new_page()


@pytest.fixture
def is_fine(violations):
    def check(page):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    return check


@pytest.fixture
def seen(world):
    """Bob was shown a document and opened it; Charlie was refused. Returns its id."""
    document = uuid4()
    shown = PassageShown(passage=1, document=document, version=1, sha256=Digest("b" * 64))
    matter = world.matter.id
    with world.bob.entered() as acting:
        context = Context(actor=acting.record.actor, request=uuid4(), matter=matter)
        log.append(EvidenceShown(object=uuid4(), passages=(shown,)), context=context)
        log.append(DocumentOpened(object=document, page=3, version=1), context=context)
    with world.charlie.entered() as acting:
        log.append_alone(
            AccessDenied(object=document, what="document", reason="not_a_member"),
            context=Context(actor=acting.record.actor),
        )
    return document


@pytest.fixture
def otto(database):
    return make_person("Otto", "auditor")


def test_who_saw_a_document_is_answered_in_four_steps(page, otto, seen, world, sign_in):
    sign_in(page, otto)
    page.goto("/record/")
    search = page.get_by_role("combobox", name="Search the record")
    search.fill(f"object:{seen} -action:record after:1d")
    search.press("Enter")
    facets = page.get_by_role("region", name="Person")
    facets.get_by_role("link", name="Bob 2").click()
    rows = page.locator("[data-rows] tr")
    expect(rows).to_have_count(2)
    rows.filter(has_text="opened document").get_by_role("link").click()
    drawer = page.get_by_role("complementary", name="The chosen event")
    expect(drawer.get_by_role("heading", level=2)).to_contain_text("Bob opened document")
    expect(drawer).to_contain_text("matches the header")
    expect(drawer.get_by_role("list").filter(has_text="was shown 1 passages")).to_be_visible()
    # No content of anybody's: references and digests alone.
    expect(page.locator("body")).not_to_contain_text(world.matter.name)


def test_a_matter_is_found_by_the_reference_on_its_file(
    page, otto, seen, world, sign_in, complaints
):
    complaints.expected.append("400")
    sign_in(page, otto)
    page.goto(f"/record/?q=matter:{world.matter.reference}")
    expect(page.locator("[data-rows]")).to_contain_text(f"in matter {world.matter.reference}")
    page.goto("/record/?q=matter:no-such-file")
    expect(page.get_by_role("alert")).to_contain_text("No matter that you may know of")


def test_suggestions_are_taken_by_keyboard(page, otto, seen, world, sign_in, is_fine):
    sign_in(page, otto)
    page.goto("/record/")
    search = page.get_by_role("combobox", name="Search the record")
    search.press_sequentially("out")
    expect(page.get_by_role("option", name="outcome:")).to_be_visible()
    search.press("ArrowDown")
    search.press("Enter")
    expect(search).to_have_value("outcome:")
    expect(page.locator("#record-q-list").get_by_role("option")).to_have_count(4)
    is_fine(page)
    search.press("ArrowUp")
    expect(search).to_have_attribute("aria-activedescendant", re.compile("record-q-list-3"))
    search.press("Enter")
    expect(search).to_have_value("outcome:failed ")
    search.press_sequentially("actor:bo")
    expect(page.locator("#record-q-list").get_by_role("option").first).to_be_visible()
    search.press("Escape")
    expect(page.locator("#record-q-list").get_by_role("option")).to_have_count(0)


def test_the_drawer_goes_through_events_and_stands_in_the_address(
    page, otto, seen, sign_in, is_fine
):
    sign_in(page, otto)
    page.goto(f"/record/?q=object:{seen}+-action:record")
    expect(page.locator("[data-rows] tr")).to_have_count(3)
    page.keyboard.press("j")
    heading = page.get_by_role("heading", level=2).nth(1)
    expect(heading).to_be_focused()
    first = heading.inner_text()
    is_fine(page)
    page.keyboard.press("j")
    expect(heading).not_to_have_text(first)
    address = page.url
    assert "event=" in address
    second = heading.inner_text()
    page.keyboard.press("Escape")
    expect(page.locator("[data-drawer]")).to_be_hidden()
    assert "event=" not in page.url
    page.goto(address)
    expect(page.get_by_role("heading", name=second)).to_be_visible()


def test_a_range_is_chosen_by_dragging_and_by_keyboard(page, otto, seen, sign_in):
    sign_in(page, otto)
    page.goto(f"/record/?q=object:{seen}&range=24h")
    box = page.locator("[data-chart] svg").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, middle, steps=6)
    page.mouse.up()
    page.wait_for_url(re.compile("after%3A|after:"))
    expect(page.locator(".chip").filter(has_text="after:")).to_be_visible()
    expect(page.locator("[data-rows] tr").first).to_be_visible()
    page.goto(f"/record/?q=object:{seen}&range=24h")
    slider = page.get_by_role("slider", name="From")
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_role("button", name="Show this range").click()
    page.wait_for_url(re.compile("after%3A|after:"))


def test_following_shows_what_happens_and_can_be_paused(page, otto, seen, world, sign_in):
    sign_in(page, otto)
    page.goto(f"/record/?q=object:{seen}+-action:record")
    rows = page.locator("[data-rows] tr")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Follow live").click()
    expect(page.get_by_role("button", name="Stop following")).to_be_visible()
    _open(world, seen)
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="Pause").click()
    _open(world, seen)
    page.wait_for_timeout(3_500)
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_count(5)
    page.get_by_role("button", name="Stop following").click()
    expect(page.get_by_role("button", name="Follow live")).to_be_visible()


def _open(world, document):
    with world.bob.entered() as acting:
        event = DocumentOpened(object=document, page=4, version=1)
        log.append(event, context=Context(actor=acting.record.actor, matter=world.matter.id))


def test_a_search_is_saved_found_and_removed(page, otto, seen, sign_in, is_fine):
    sign_in(page, otto)
    page.goto(f"/record/?q=object:{seen}")
    page.get_by_text("Saved searches").click()
    is_fine(page)
    page.get_by_label("Name").fill("Who saw it")
    page.get_by_label("Who sees it").select_option("auditor")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/record/")
    page.get_by_text("Saved searches").click()
    page.get_by_role("link", name="Who saw it").click()
    expect(page.locator(".chip").filter(has_text="object:")).to_be_visible()
    page.get_by_text("Saved searches").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove Who saw it").click()
    page.get_by_text("Saved searches").click()
    expect(page.get_by_role("link", name="Who saw it")).to_have_count(0)


def test_every_state_of_the_console_is_accessible(
    any_page, otto, seen, sign_in, is_fine, complaints
):
    page = any_page
    sign_in(page, otto)
    complaints.expected.append("400")
    for address in (
        "/record/",
        f"/record/?q=object:{seen}&columns=who+action+object+matter+outcome+proof&rows=roomy",
        "/record/?q=action:barrier.lifted+actor:none&range=1h",
        "/record/?q=outcome:maybe",
    ):
        page.goto(address)
        is_fine(page)
    page.goto("/record/")
    page.get_by_text("How to search").first.click()
    page.get_by_text("Dates and time zone").click()
    page.get_by_text("As a table").click()
    is_fine(page)
    page.locator("[data-rows] a").first.click()
    expect(page.get_by_role("button", name="Close")).to_be_visible()
    is_fine(page)
    page.goto(page.locator("[data-rows] a").first.get_attribute("href"))
    is_fine(page)


def test_without_scripts_it_is_searched_narrowed_and_read(open_browser, otto, seen, sign_in):
    page = open_browser(java_script_enabled=False).new_page()
    sign_in(page, otto)
    page.goto("/record/")
    page.locator("#record-q").fill(f"object:{seen} -action:record")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("[data-rows] tr")).to_have_count(3)
    page.locator(".facet").filter(has_text="access.denied").click()
    expect(page.locator("[data-rows] tr")).to_have_count(1)
    page.locator(".chip").filter(has_text="action: access.denied").click()
    page.get_by_text("As a table").click()
    page.locator(".as-table a").first.click()
    expect(page.locator("[data-rows] tr")).to_have_count(3)
    page.locator("[data-rows] a").first.click()
    expect(page.get_by_role("heading", name="As it was recorded")).to_be_visible()


def test_the_first_load_is_small(open_browser, otto, seen, sign_in):
    page = open_browser().new_page()
    sign_in(page, otto)
    fresh = open_browser(storage_state=page.context.storage_state()).new_page()
    network = fresh.context.new_cdp_session(fresh)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    fresh.goto("/record/")
    fresh.wait_for_load_state("networkidle")
    print(f"{sum(sizes):.0f} bytes in {len(sizes)} requests")
    assert sum(sizes) <= 90_000
    assert len(sizes) <= 12
