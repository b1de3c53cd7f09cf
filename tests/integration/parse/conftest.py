"""Files for the readers: made here, or taken from the shared data when it is present."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.documents.parse import close_sandboxes

REPOSITORY = Path(__file__).resolve().parents[3]
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture(scope="session", autouse=True)
def _sandboxes() -> Iterator[None]:
    yield
    close_sandboxes()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("CLOISTER_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"No shared data in {folder}. Set CLOISTER_SHARED_DATA to run this test.")
    return folder


def make_docx(path: Path, body: str, **parts: str) -> Path:
    """A Word document with this body; `parts` are further XML parts by their file stem."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
        archive.writestr("word/document.xml", document)
        for stem, content in parts.items():
            archive.writestr(f"word/{stem}.xml", content)
    return path


def make_pdf(path: Path, *streams: str) -> Path:
    """A PDF of one page for each content stream, with Helvetica as /F1."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(streams)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(streams)}/Kids[{kids}]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for index, stream in enumerate(streams):
        objects.append(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]"
            f"/Resources<</Font<</F1 3 0 R>>>>/Contents {5 + 2 * index} 0 R>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    content, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    content += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"
    path.write_text(content, encoding="latin-1")
    return path
