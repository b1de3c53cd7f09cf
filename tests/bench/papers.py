"""Taking documents in: how fast, where the time goes, what one changed sentence costs."""

import json
import time
from collections import Counter
from typing import Any

from assistant.access.matters import create_matter
from tests.bench.place import Place
from tests.bench.table import Row, note
from tests.installation import SHARED_DATA
from tests.people import World, make_world

CHANGED = "The parties confirm in writing that nothing in this section was waived in 2021."


def run(place: Place) -> list[Row]:
    """The 25 contracts as an operator takes them in, then one of them with a changed sentence."""
    world = make_world()
    note("papers: one document first, so that the workers are warm…")
    _ingest(place, world, SHARED_DATA / "legal" / "cuad_contracts" / _longest())
    note("papers: 25 contracts…")
    began = time.monotonic()
    taken = _ingest(place, world, SHARED_DATA / "legal" / "cuad_pdfs")
    wall = time.monotonic() - began
    indexed = sum(entry["state"] == "indexed" for entry in taken)
    seconds: Counter[str] = Counter()
    for entry in taken:
        seconds.update(entry["seconds"])
    total = sum(seconds.values())
    shares = ", ".join(f"{step} {spent / total:.0%}" for step, spent in seconds.most_common())
    rate = indexed / wall
    return [
        Row(
            path="ingestion of 25 contracts (PDF) to searchable",
            goal="≥ 1.7 documents/s, embedding ≥ 70 % of the steps",
            measured=f"{rate:.1f} documents/s, {indexed} of {len(taken)} indexed; {shares}",
            met=rate >= 1.7 and seconds["embed"] / total >= 0.7,
        ),
        _one_sentence(place, world),
    ]


def _ingest(place: Place, world: World, path: Any) -> list[dict[str, Any]]:
    done = place.installation.manage(
        *("ingest", str(path), "--matter", str(world.matter.id), "--as", world.alice.username),
        *("--wait", "--json"),
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _longest() -> str:
    folder = SHARED_DATA / "legal" / "cuad_contracts"
    return max(folder.glob("*.txt"), key=lambda path: path.stat().st_size).name


def _one_sentence(place: Place, world: World) -> Row:
    note("papers: one sentence changed…")
    text = (SHARED_DATA / "legal" / "cuad_contracts" / _longest()).read_text()
    with world.as_alice() as acting:
        world.matter = create_matter(acting.record, acting.user, reference="long", name="Long")
    folder = place.installation.home / "changed"
    folder.mkdir()
    path = folder / "agreement.txt"
    path.write_text(text)
    (whole,) = _ingest(place, world, path)
    middle = text.index(". ", len(text) // 2) + 2
    path.write_text(text[:middle] + CHANGED + " " + text[middle:])
    (again,) = _ingest(place, world, path)
    cost = sum(again["seconds"].values()) / sum(whole["seconds"].values())
    embedded = again["seconds"]["embed"] / whole["seconds"]["embed"]
    return Row(
        path=f"one sentence changed in a document of {whole['passages']} passages",
        goal="≤ 0.1× the document",
        measured=f"{cost:.2f}× (embedding alone {embedded:.2f}×)",
        met=cost <= 0.1,
    )
