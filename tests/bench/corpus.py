"""A matter that is as full as the goals say, filled by the product's own steps."""

import gzip
import json
from collections.abc import Iterator

from assistant.accounts.identity import entered
from assistant.documents.evaluate import Index
from assistant.documents.models import Passage
from assistant.documents.question_sets import Source
from tests.installation import SHARED_DATA
from tests.people import World, make_world

PASSAGES = 5_000


def full_world() -> World:
    """Alice's matter with five thousand passages of real contracts and papers."""
    world = make_world()
    with world.alice.acting() as acting:
        index = Index(world.alice.user, world.matter)
        for source in _sources():
            with entered(acting.token):
                index.add(source)
                if Passage.objects.filter(document__matter=world.matter).count() >= PASSAGES:
                    return world
    raise RuntimeError(f"the texts under {SHARED_DATA} give fewer than {PASSAGES} passages")


def questions(count: int) -> list[str]:
    """Real questions about real documents, each once."""
    path = SHARED_DATA / "legal" / "cuad_questions.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    asked = [f"In the {row['contract']}: {row['question']}" for row in rows]
    return (asked * (count // len(asked) + 1))[:count]


def _sources() -> Iterator[Source]:
    for path in sorted((SHARED_DATA / "legal" / "cuad_contracts").glob("*.txt")):
        yield Source(title=path.name, text=path.read_bytes().decode(), places=())
    pages = SHARED_DATA / "finance" / "financebench_pages.jsonl.gz"
    with gzip.open(pages, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield Source(title=f"{row['doc']} {row['page']}", text=row["text"], places=())
