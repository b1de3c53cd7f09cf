"""What one search costs, by its parts: embedding, vectors, words, and all with the passages."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from assistant.accounts.identity import entered
from assistant.documents import retrieve, vectors
from tests.bench import searches
from tests.bench.corpus import questions
from tests.bench.table import Row, p50
from tests.people import World

TIMES = 100
GOAL = 25.0


def row(world: World) -> Row:
    """Long questions to a matter of 5,000 passages, in this process, on one thread as a worker."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    asked = questions(TIMES)
    with world.bob.acting() as acting:
        for turn, question in enumerate([*asked[:5], *asked]):
            if turn == 5:
                # The first few have loaded model, connection and plans.
                took.clear()
            _search(acting.token, question, world, took)
    torch.set_num_threads(threads)
    parts = ", ".join(f"{name} {p50(took[name]):.1f}" for name in ("embedding", "vectors", "words"))
    return Row(
        path=f"a search in 5,000 passages, questions of {_words(asked)} words",
        goal=f"p50 ≤ {GOAL:.0f} ms, embedding included",
        measured=f"p50 {p50(took['all']):.1f} ms ({parts})",
        met=p50(took["all"]) <= GOAL,
    )


def _search(token: str, question: str, world: World, took: dict[str, list[float]]) -> None:
    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took[name].append(1000 * (time.perf_counter() - began))

    with timed("all"):
        with timed("embedding"):
            vector = vectors.embedder().query(question)
        with entered(token):
            scope = retrieve.scope_of(world.matter.id)
            retrieve.passages_for(question, vector, scope=scope, limit=8)
    # The parts once more by themselves.
    with entered(token), timed("vectors"):
        searches.nearest(question, vector)
    with entered(token), timed("words"):
        searches.with_terms(question, vector)


def _words(asked: list[str]) -> int:
    return round(p50([len(question.split()) for question in asked]))
