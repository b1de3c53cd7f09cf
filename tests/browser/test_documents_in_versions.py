"""What becomes of a document: sent again, replaced, cited, downloaded, seen by the right people."""

import pytest
from playwright.sync_api import expect

from tests.installation import CHECKOUT
from tests.samples import LEASE, WARFARIN

READ_WITHIN_MS = 60_000
SAMPLES = CHECKOUT / "assistant" / "documents" / "samples"


def markdown(name: str, text: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/markdown", "buffer": text.encode()}


@pytest.fixture
def library(page, world, sign_in):
    """Bob before the documents of his matter."""
    sign_in(page, world.bob)
    page.goto(f"/matters/{world.matter.id}/documents/")
    return page


def sent(library, name):
    return library.get_by_role("list", name="Uploads").get_by_role("listitem").filter(has_text=name)


def row(library, name):
    return library.get_by_role("row").filter(has_text=name)


def test_a_file_on_its_way_is_cancelled_and_the_next_one_goes(library):
    line = library.context.new_cdp_session(library)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 40_000}
    line.send("Network.emulateNetworkConditions", slow)
    library.locator("#files").set_input_files([markdown("slow.md", LEASE * 2_000)])
    expect(sent(library, "slow.md")).to_contain_text("Sending")
    sent(library, "slow.md").get_by_role("button", name="Cancel").click()
    expect(sent(library, "slow.md")).to_have_count(0)
    library.locator("#files").set_input_files([markdown("next.md", WARFARIN)])
    expect(row(library, "next.md")).to_be_visible()
    expect(row(library, "slow.md")).to_have_count(0)


def test_a_file_that_lost_its_connection_is_sent_again(library, complaints):
    complaints.expected.append("ERR_FAILED")
    library.route("**/upload/", lambda route: route.abort())
    library.locator("#files").set_input_files([markdown("lease.md", LEASE)])
    expect(sent(library, "lease.md")).to_contain_text("The connection was lost")
    library.unroute("**/upload/")
    sent(library, "lease.md").get_by_role("button", name="Try again").click()
    expect(row(library, "lease.md")).to_be_visible()
    expect(sent(library, "lease.md")).to_have_count(0)


def test_a_file_of_the_same_name_replaces_the_former_which_stays_readable(library, world):
    world.add("lease.md", LEASE)
    newer = markdown("lease.md", LEASE.replace("4,250", "4,400"))
    library.locator("#files").set_input_files([newer])
    expect(row(library, "lease.md")).to_contain_text("version 2")
    expect(row(library, "lease.md")).to_contain_text("Searchable", timeout=READ_WITHIN_MS)
    row(library, "lease.md").get_by_role("link").click()
    expect(library.locator(".text")).to_contain_text("4,400 euros")
    library.get_by_role("link", name="Version 1").click()
    expect(library.locator(".text")).to_contain_text("4,250 euros")
    expect(library.get_by_text("not the present version")).to_be_visible()


def test_the_former_version_can_be_read_while_the_new_one_is_not_taken_in(library, world):
    world.add("lease.md", LEASE)
    library.locator("#files").set_input_files([markdown("lease.md", "%PDF-1.7 and no more")])
    expect(row(library, "lease.md")).to_contain_text("Not taken in", timeout=READ_WITHIN_MS)
    row(library, "lease.md").get_by_role("link").click()
    expect(library.locator(".text")).to_contain_text("4,250 euros")


def test_the_cited_words_are_marked(library, world):
    world.add("lease.md", LEASE)
    start = LEASE.index("The monthly rent")
    span = f"{start}-{start + len('The monthly rent is 4,250 euros')}"
    library.goto(f"/documents/{world.documents['lease.md']}/?span={span}")
    assert library.locator("mark").all_inner_texts() == ["The monthly rent is 4,250 euros"]


def test_the_original_comes_as_a_download_byte_for_byte(library, world):
    world.add("lease.md", LEASE)
    library.goto(f"/documents/{world.documents['lease.md']}/")
    with library.expect_download() as waiting:
        library.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "lease.md"
    with open(waiting.value.path(), "rb") as file:  # noqa: PTH123  # Playwright's path is a string
        assert file.read() == LEASE.encode()


def test_it_says_who_can_see_the_documents(library, world):
    expect(library.get_by_text("Seen by Alice, Bob, and nobody else.")).to_be_visible()
    world.add("lease.md", LEASE)
    library.goto(f"/documents/{world.documents['lease.md']}/")
    expect(library.get_by_role("region", name="Who can see it")).to_contain_text("Alice, Bob.")


def test_one_goes_straight_to_a_page(library, world):
    guideline = SAMPLES / "clinic" / "anticoagulation-guideline.pdf"
    version = world.add("guideline.pdf", guideline)
    library.goto(f"/documents/{version.document_id}/")
    library.get_by_label("Page", exact=True).fill("3")
    library.keyboard.press("Enter")
    expect(library.get_by_text("Page 3 of 3")).to_be_visible()


def test_a_version_that_was_not_taken_in_is_named_and_not_offered(library, world):
    world.add("lease.md", LEASE)
    world.add("lease.md", "%PDF-1.7 and no more")
    library.goto(f"/documents/{world.documents['lease.md']}/")
    versions = library.get_by_role("region", name="Versions")
    expect(versions).to_contain_text("not taken in")
    expect(versions.get_by_role("link", name="Version 1")).to_be_visible()
    expect(versions.get_by_role("link", name="Version 2")).to_have_count(0)
