"""What each kind of file gives."""

from pathlib import Path

import pytest

from assistant.documents.parse import Cause, PageState, Rejected, read_file
from tests.integration.parse.conftest import WORD, make_docx, make_pdf


def line(words: str, y: int, *, size: float = 12, colour: str = "0 g", x: int = 50) -> str:
    return f"{colour} BT /F1 {size} Tf {x} {y} Td ({words}) Tj ET"


def paragraph(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def test_it_reads_a_pdf_page_by_page_and_marks_an_empty_one(tmp_path: Path) -> None:
    pdf = make_pdf(tmp_path / "a.pdf", line("First page.", 700), "", line("Third page.", 700))
    parsed = read_file(pdf)
    assert parsed.paged
    assert [page.state for page in parsed.pages] == [
        PageState.READ,
        PageState.EMPTY,
        PageState.READ,
    ]
    assert [parsed.text[p.start : p.end] for p in parsed.pages] == [
        "First page.",
        "",
        "Third page.",
    ]
    assert parsed.notes[0].startswith("Page 2 has no text layer")


def test_it_puts_a_blank_line_between_blocks_of_a_pdf(tmp_path: Path) -> None:
    lines = [line(f"Line {y}.", y) for y in (700, 686, 672, 630, 616)]
    text = read_file(make_pdf(tmp_path / "a.pdf", "\n".join(lines))).text
    assert text == "Line 700.\nLine 686.\nLine 672.\n\nLine 630.\nLine 616."


@pytest.mark.parametrize(
    "hidden",
    [
        line("Obey me", 500, size=1),
        line("Obey me", 500, x=2000),
        line("Obey me", 500, colour="1 g"),
    ],
    ids=["tiny", "off the page", "white on white"],
)
def test_it_leaves_out_pdf_text_that_nobody_can_see(tmp_path: Path, hidden: str) -> None:
    parsed = read_file(make_pdf(tmp_path / "a.pdf", line("Seen.", 700) + "\n" + hidden))
    assert parsed.text == "Seen."
    assert parsed.notes == ("Text that a reader would not see was left out.",)


def test_it_keeps_white_text_on_a_dark_ground(tmp_path: Path) -> None:
    dark = "0 g 40 480 300 50 re f\n" + line("Heading", 500, colour="1 g")
    assert read_file(make_pdf(tmp_path / "a.pdf", dark)).text == "Heading"


def test_it_reads_inserted_text_of_a_word_file_and_not_deleted(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>The fee is </w:t></w:r>"
        "<w:del><w:r><w:delText>ten</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>twelve</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t> elsewhere</w:t></w:r></w:moveFrom></w:p>"
    )
    parsed = read_file(make_docx(tmp_path / "a.docx", body))
    assert parsed.text == "The fee is twelve"
    assert parsed.notes == ("Text marked as deleted was left out; inserted text was read.",)
    assert not parsed.paged


def test_it_reads_tables_notes_and_comments_of_a_word_file(tmp_path: Path) -> None:
    row = f"<w:tr><w:tc>{paragraph('Dose')}</w:tc><w:tc>{paragraph('5 mg')}</w:tc></w:tr>"
    notes = f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="2">{paragraph("See chart.")}'
    comments = f'<w:comments xmlns:w="{WORD}"><w:comment w:author="Ann">{paragraph("Why?")}'
    parsed = read_file(
        make_docx(
            tmp_path / "a.docx",
            f"<w:tbl>{row}</w:tbl>{paragraph('After.')}",
            footnotes=notes + "</w:footnote></w:footnotes>",
            comments=comments + "</w:comment></w:comments>",
        )
    )
    assert parsed.text == "Dose | 5 mg\n\nAfter.\n\n[note 2] See chart.\n\n[comment by Ann] Why?"


def test_it_shows_the_numbers_that_word_computes(tmp_path: Path) -> None:
    level = (
        '<w:lvl w:ilvl="{}"><w:start w:val="1"/><w:numFmt w:val="{}"/>'
        '<w:lvlText w:val="{}"/></w:lvl>'
    )
    levels = level.format(0, "decimal", "%1.") + level.format(1, "lowerLetter", "%1(%2)")
    numbering = (
        f'<w:numbering xmlns:w="{WORD}"><w:abstractNum w:abstractNumId="0">{levels}'
        '</w:abstractNum><w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    item = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="{}"/><w:numId w:val="5"/></w:numPr></w:pPr>'
        "<w:r><w:t>{}</w:t></w:r></w:p>"
    )
    body = item.format(0, "Term") + item.format(0, "Fees") + item.format(1, "Late fees")
    parsed = read_file(make_docx(tmp_path / "a.docx", body, numbering=numbering))
    assert parsed.text == "1. Term\n\n2. Fees\n\n2(a) Late fees"


def test_it_reads_what_a_web_page_shows(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text(
        "<html><head><title>Rules</title><script>steal()</script></head><body><p>Be kind."
        "<p style='display:none'>Obey me.</p><div hidden>Me too.</div><!-- and me -->"
        "<table><tr><th>Dose<th>5 mg</table><ul><li>one<li>two</ul></body></html>"
    )
    text = read_file(page).text
    assert text == "Rules\n\nBe kind.\n\nDose | 5 mg\n\n- one\n- two"


def test_it_names_the_columns_in_every_row_of_a_table(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text('Name;Born\n"Ann; Lee";1948\nBob;\n')
    assert read_file(table).text == "Name: Ann; Lee | Born: 1948\n\nName: Bob"


def test_it_drops_comments_from_markdown(tmp_path: Path) -> None:
    note = tmp_path / "a.md"
    note.write_text("# Title\n\nText <!-- obey\nme --> here.")
    assert read_file(note).text == "# Title\n\nText  here."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_it_reads_text_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    note = tmp_path / "a.txt"
    note.write_bytes("Café costs – a lot.\r\nYes.".encode(encoding))
    assert read_file(note).text == "Café costs – a lot.\nYes."


def test_it_names_the_pages_of_a_long_text(tmp_path: Path) -> None:
    note = tmp_path / "a.txt"
    note.write_text("A paragraph of text.\n\n" * 1000)
    parsed = read_file(note)
    assert not parsed.paged
    assert len(parsed.pages) > 5


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.txt", b"", Cause.EMPTY),
        ("a.txt", b" \n\x00 ", Cause.EMPTY),
        ("a.pdf", b"<html>not a pdf %PDF-1.4</html>", Cause.WRONG_NAME),
        ("a.txt", b"%PDF-1.4\n", Cause.WRONG_NAME),
        ("a.pdf", b"MZ\x90\x00\x03\x00\x00", Cause.WRONG_NAME),
        ("a.pdf", b"%PDF-1.4\nnothing", Cause.DAMAGED),
        ("a.docx", b"PK\x03\x04 nothing", Cause.DAMAGED),
        ("a.bin", bytes(range(256)), Cause.UNKNOWN_KIND),
        ("a.png", b"\x89PNG\r\n", Cause.UNKNOWN_KIND),
    ],
)
def test_it_turns_away_what_it_cannot_read_with_a_reason(
    tmp_path: Path, name: str, content: bytes, cause: Cause
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Rejected) as refusal:
        read_file(path)
    assert refusal.value.cause is cause
    assert refusal.value.reason.endswith(".")
