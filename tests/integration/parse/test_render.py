"""A page as a picture, with boxes where its passages stand."""

import io
from pathlib import Path

import pytest
from PIL import Image

from assistant.documents.parse import Rejected, read_file
from assistant.documents.render import page_image
from tests.integration.parse.conftest import make_pdf

TWO_LINES = (
    "BT /F1 20 Tf 60 700 Td (The fee is twelve euros) Tj 0 -24 Td (and is due in May.) Tj ET"
)


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return make_pdf(tmp_path / "a.pdf", TWO_LINES)


def test_it_draws_the_page_at_the_width_asked(pdf: Path) -> None:
    shown = page_image(pdf, 1, width_px=900)
    assert Image.open(io.BytesIO(shown.png)).size == (shown.width, shown.height) == (900, 1200)
    assert shown.boxes == []


def test_its_boxes_cover_the_ink_of_the_passage(pdf: Path) -> None:
    text = read_file(pdf).text
    start = text.index("twelve")
    (box,) = page_image(pdf, 1, spans=[(start, start + len("twelve"))]).boxes
    shown = page_image(pdf, 1)
    ink = Image.open(io.BytesIO(shown.png)).convert("L").point(lambda value: value < 128 and 255)
    left, top = int(box.x * shown.width), int(box.y * shown.height)
    right, bottom = int((box.x + box.w) * shown.width), int((box.y + box.h) * shown.height)
    inside = ink.crop((left, top, right, bottom)).getbbox()
    assert inside is not None
    # A space stands on either side of the word, and above and below it is air.
    around = ink.crop((left - 3, top - 1, right + 3, bottom + 1)).getbbox()
    assert around is not None
    assert around[2] - around[0] <= inside[2] - inside[0] + 2


def test_a_passage_over_two_lines_has_two_boxes(pdf: Path) -> None:
    text = read_file(pdf).text
    boxes = page_image(pdf, 1, spans=[(4, len(text)), (0, 3)]).boxes
    assert [box.span_index for box in boxes] == [0, 0, 1]
    assert boxes[0].y < boxes[1].y


def test_it_refuses_a_page_that_is_not_there(pdf: Path) -> None:
    with pytest.raises(Rejected):
        page_image(pdf, 2)
