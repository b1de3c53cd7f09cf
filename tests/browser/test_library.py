"""The library in the browser: files go in, are followed, and can be read."""

import pytest
from playwright.sync_api import expect

from tests.installation import CHECKOUT

PDF = CHECKOUT / "assistant" / "documents" / "samples" / "clinic" / "anticoagulation-guideline.pdf"


def text_file(name: str, text: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


@pytest.fixture
def library(page, world, sign_in):
    """Bob before the documents of his matter."""
    sign_in(page, world.bob)
    page.goto(f"/matters/{world.matter.id}/documents/")
    return page


def test_an_empty_library_says_what_to_do(library):
    expect(library.get_by_role("heading", name="No documents yet")).to_be_visible()


def test_several_files_are_sent_and_followed_until_they_are_read(library):
    library.locator("#files").set_input_files(
        [text_file("roof.txt", "The roof is of slate."), text_file("yard.txt", "The yard is long.")]
    )
    for name in ("roof.txt", "yard.txt"):
        row = library.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text("Searchable", timeout=60_000)
    expect(library.locator("[data-uploads] li")).to_have_count(0)


def test_files_can_be_dropped_anywhere_on_the_page(library):
    drop = """() => {
      const files = new DataTransfer();
      files.items.add(new File(["The well is deep."], "well.txt", {type: "text/plain"}));
      const send = (kind) => document.querySelector("h1").dispatchEvent(
        new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: files}));
      send("dragover");
      const shown = document.body.classList.contains("dragging");
      send("drop");
      return shown;
    }"""
    assert library.evaluate(drop)
    expect(library.get_by_role("row").filter(has_text="well.txt")).to_be_visible()


def test_a_file_that_is_not_taken_says_why(library):
    library.locator("#files").set_input_files([text_file("empty.txt", "")])
    entry = library.locator("[data-uploads] li").filter(has_text="empty.txt")
    expect(entry).to_contain_text("The file is empty.")
    entry.get_by_role("button", name="Dismiss: empty.txt").click()
    expect(entry).to_have_count(0)


def test_a_file_that_cannot_be_read_says_why_in_its_row(library):
    broken = {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 nothing"}
    library.locator("#files").set_input_files([broken])
    row = library.get_by_role("row").filter(has_text="broken.pdf")
    expect(row).to_contain_text("Not taken in", timeout=60_000)
    expect(row.locator(".hint")).not_to_be_empty()
    expect(row.get_by_role("button", name="Try broken.pdf again")).to_be_visible()


def test_the_same_file_twice_is_told(library, world):
    world.add("roof.txt", "The roof is of slate.")
    library.locator("#files").set_input_files([text_file("roof.txt", "The roof is of slate.")])
    expect(library.locator("[data-uploads]")).to_contain_text("The same file is here already.")


def test_the_list_is_narrowed_and_sorted_by_keyboard(library, world):
    for name in ("beta.txt", "alpha.txt", "gamma.txt"):
        world.add(name, f"This is {name}.")
    library.reload()
    names = library.locator("#library-table tbody td:first-child")
    assert names.all_inner_texts() == ["alpha.txt", "beta.txt", "gamma.txt"]
    library.get_by_role("button", name="Document").press("Enter")
    library.get_by_role("button", name="Document").press("Enter")
    assert names.all_inner_texts() == ["gamma.txt", "beta.txt", "alpha.txt"]
    library.get_by_label("Find a document").fill("alp")
    expect(library.get_by_role("row").filter(has_text="beta.txt")).to_be_hidden()


def test_a_document_is_removed_after_a_question(library, world):
    world.add("roof.txt", "The roof is of slate.")
    library.reload()
    asked = []

    def refuse(dialog):
        asked.append(dialog.message)
        dialog.dismiss()

    library.once("dialog", refuse)
    library.get_by_role("button", name="Remove roof.txt").click()
    assert "answers that cite it keep their quotations" in asked[0]
    assert library.get_by_role("link", name="roof.txt").is_visible()
    library.once("dialog", lambda dialog: dialog.accept())
    library.get_by_role("button", name="Remove roof.txt").click()
    expect(library.get_by_role("heading", name="No documents yet")).to_be_visible()


def test_a_page_of_a_pdf_is_shown_with_its_places_lit(library, world):
    version = world.add("guideline.pdf", PDF)
    start = version.text.index("Warfarin is started")
    end = version.text.index(".", start)
    library.goto(f"/documents/{version.document_id}/?page=1&span={start}-{end}")
    picture = library.get_by_role("img", name="Page 1 as it looks.")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1200
    box = library.locator(".lit").first.bounding_box()
    frame = picture.bounding_box()
    assert box
    assert frame
    assert frame["y"] < box["y"] < frame["y"] + frame["height"]
    assert box["width"] > 50


def test_pages_are_turned(library, world):
    version = world.add("guideline.pdf", PDF)
    library.goto(f"/documents/{version.document_id}/")
    library.get_by_role("link", name="Next page").click()
    expect(library.get_by_text("Page 2 of 3")).to_be_visible()
    library.get_by_role("link", name="Previous page").click()
    expect(library.get_by_text("Page 1 of 3")).to_be_visible()
