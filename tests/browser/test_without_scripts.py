"""The site without JavaScript: plain forms do everything but stream."""

import pytest
from playwright.sync_api import expect

from tests.samples import LEASE

RENT = "The monthly rent is 4,250 euros and is due on the third working day of each month."


@pytest.fixture
def page(open_browser):
    return open_browser(java_script_enabled=False).new_page()


def test_a_question_is_asked_and_answered_with_its_source(page, world, sign_in, model):
    world.add("lease.md", LEASE)
    model.enqueue(RENT)
    sign_in(page, world.bob)
    page.get_by_label("Your question").fill("How much is the monthly rent?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".sentence.supported")).to_contain_text("4,250 euros")
    page.get_by_role("link", name="lease.md, page 1").click()
    expect(page.locator("mark")).to_contain_text("4,250 euros")


def test_a_file_is_uploaded(page, world, sign_in):
    sign_in(page, world.bob)
    page.goto(f"/matters/{world.matter.id}/documents/")
    file = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"A note on the roof."}
    page.locator("#files").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("cell", name="note.txt", exact=True)).to_be_visible()
