"""Pages for texts that have none."""

from assistant.documents.parse.reading_pages import PAGE_CHARS, reading_pages


def test_they_end_with_a_paragraph_near_the_usual_length() -> None:
    text = "\n\n".join(f"Paragraph {number} says something." for number in range(1000))
    pages = reading_pages(text)
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert all(text[page.start : page.end].endswith("something.") for page in pages)
    assert all(page.end - page.start <= PAGE_CHARS * 3 // 2 for page in pages)


def test_they_hold_the_whole_text() -> None:
    text = "x" * 20_000
    pages = reading_pages(text)
    assert "".join(text[page.start : page.end] for page in pages) == text
