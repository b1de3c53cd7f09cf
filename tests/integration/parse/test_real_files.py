"""Real and hostile files from the shared data."""

import json
import re
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median

import pytest

from assistant.documents.parse import Rejected, read_file

READABLE = {".pdf", ".docx", ".html", ".md", ".txt", ".csv"}
# Its text layer holds the court's stamps alone; the page itself is a picture.
PICTURE_WITH_STAMPS = "doctor__gov.uscourts.cand.203070.27.0.pdf"


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def outcome(path: Path) -> str:
    """The text, or the reason why there is none."""
    try:
        return read_file(path).text
    except Rejected as refusal:
        return refusal.reason


def rows(folder: Path) -> list[dict[str, object]]:
    return [json.loads(row) for row in (folder / "EXPECTED.jsonl").read_text().splitlines()]


def test_it_finds_every_phrase_that_real_files_contain(shared_data: Path) -> None:
    folder = shared_data / "formats"
    missing = []
    for row in rows(folder):
        name, phrases = str(row["file"]), row["must_contain"]
        assert isinstance(phrases, list)
        if Path(name).suffix not in READABLE or not phrases:
            continue
        if "SCANNED" in str(row["kind"]):
            continue
        text = folded(read_file(folder / name).text)
        missing += [(name, phrase) for phrase in phrases if folded(phrase) not in text]
    assert missing == []


def test_it_gives_every_hostile_file_a_text_or_a_reason(shared_data: Path) -> None:
    folder = shared_data / "hostile"
    for row in rows(folder):
        assert outcome(folder / str(row["file"]))


def test_it_says_when_words_may_stand_in_a_picture(shared_data: Path) -> None:
    parsed = read_file(shared_data / "formats" / PICTURE_WITH_STAMPS)
    assert parsed.notes[0].startswith("Pages 1-2 have hardly any text beside a large picture")


def test_it_reads_the_words_of_contracts_in_order(shared_data: Path) -> None:
    shares = []
    for pdf in sorted((shared_data / "legal" / "cuad_pdfs").glob("*.pdf"))[:12]:
        text = (shared_data / "legal" / "cuad_contracts" / f"{pdf.stem}.txt").read_text()
        truth, found = (re.findall(r"\w+", each) for each in (text, read_file(pdf).text))
        blocks = SequenceMatcher(None, truth, found, autojunk=False).get_matching_blocks()
        shares.append(sum(block.size for block in blocks) / len(truth))
    if not shares:
        pytest.skip("No contracts in the shared data.")
    assert median(shares) >= 0.99
    assert min(shares) >= 0.97
