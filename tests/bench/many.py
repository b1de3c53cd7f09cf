"""200,000 passages made of some thousand real ones, as a house full of versions looks like.

Each document is a copy of a real one. Each of its passages is moved up to half way towards a
near neighbour, and by 0.45 of the difference between two neighbours elsewhere, once for the whole
document and once for the passage; words are exchanged with the neighbour's. What is derived comes
from one seed, so two runs measure the same.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.documents import vectors

SEED = 20_261
PASSAGES = 200_000
IN_A_DOCUMENT = 10
WORDS = 70
BASE_PER_DOMAIN = 1_200
QUESTIONS_PER_DOMAIN = 110
NEIGHBOURS = 8

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Real passages and questions with their vectors; `domain` numbers them 0, 1, 2."""

    texts: list[str]
    domain: NDArray[np.int64]
    embedded: Vectors
    questions: list[str]
    question_domain: NDArray[np.int64]
    asked: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """The corpus: for each passage its vector, the real passage it copies, and a neighbour."""

    embedded: Vectors
    copied: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    domain: NDArray[np.int64]


def base(shared: Path) -> Base:
    """The real passages and questions, embedded by the product's model."""
    texts, domains = [], []
    questions, question_domains = [], []
    sources = (
        (_healthcare, _healthcare_questions),
        (_legal, _legal_questions),
        (_finance, _finance_questions),
    )
    for number, (passages, asked) in enumerate(sources):
        own = list(_spread(list(passages(shared)), BASE_PER_DOMAIN))
        texts += own
        domains += [number] * len(own)
        mine = sorted(set(asked(shared)), key=_digest)
        # Half of all questions, by digest: K and the budget were chosen on the other half.
        mine = [text for text in mine if _digest(text)[0] % 2][:QUESTIONS_PER_DOMAIN]
        questions += mine
        question_domains += [number] * len(mine)
    return Base(
        texts=texts,
        domain=np.array(domains),
        embedded=_embedded(texts),
        questions=questions,
        question_domain=np.array(question_domains),
        asked=_embedded(questions),
    )


def derive(real: Base, *, passages: int = PASSAGES) -> Derived:
    """Copies of real documents until there are enough passages."""
    random = np.random.default_rng(SEED)
    near = _neighbours(real.embedded)
    documents = passages // IN_A_DOCUMENT
    # A document copies ten real passages that stand together in one domain.
    starts = random.integers(0, len(real.texts) // IN_A_DOCUMENT, documents) * IN_A_DOCUMENT
    copied = (starts[:, None] + np.arange(IN_A_DOCUMENT)).ravel()
    chosen = near[copied, random.integers(0, NEIGHBOURS, passages)]
    made = np.empty((passages, real.embedded.shape[1]), dtype=np.float32)
    of_document = _differences(real.embedded, near, documents, random)
    for begin in range(0, passages, 20_000):
        rows = slice(begin, min(begin + 20_000, passages))
        count = rows.stop - rows.start
        step = random.uniform(0, 0.5, (count, 1)).astype(np.float32)
        vector = real.embedded[copied[rows]]
        vector = vector + step * (real.embedded[chosen[rows]] - vector)
        vector += 0.45 * np.repeat(
            of_document[begin // IN_A_DOCUMENT : rows.stop // IN_A_DOCUMENT], IN_A_DOCUMENT, axis=0
        )
        vector += 0.45 * _differences(real.embedded, near, count, random)
        made[rows] = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    return Derived(
        embedded=made, copied=copied, neighbour=chosen, domain=real.domain[copied]
    )


def _differences(
    embedded: Vectors, near: NDArray[np.int64], count: int, random: np.random.Generator
) -> Vectors:
    one = random.integers(0, len(embedded), count)
    other = near[one, random.integers(0, NEIGHBOURS, count)]
    difference: Vectors = embedded[other] - embedded[one]
    return difference


def _neighbours(embedded: Vectors) -> NDArray[np.int64]:
    """The nearest others of each passage, itself left out."""
    similar = embedded @ embedded.T
    np.fill_diagonal(similar, -1)
    return np.argpartition(-similar, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def _embedded(texts: list[str]) -> Vectors:
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    made = np.empty((len(texts), 384), dtype=np.float32)
    for begin in range(0, len(order), 64):
        batch = order[begin : begin + 64]
        made[batch] = vectors.embedder().passages([texts[number] for number in batch])
    return made


def _spread(passages: list[str], wanted: int) -> Iterator[str]:
    """Runs of ten from all over the list, so that documents stay together."""
    runs = len(passages) // IN_A_DOCUMENT
    for number in np.linspace(0, runs - 1, wanted // IN_A_DOCUMENT).astype(int):
        yield from passages[number * IN_A_DOCUMENT : (number + 1) * IN_A_DOCUMENT]


def _cut(text: str) -> Iterator[str]:
    words = text.split()
    for begin in range(0, len(words), WORDS):
        if len(piece := words[begin : begin + WORDS]) > WORDS // 3:
            yield " ".join(piece)


def _healthcare(shared: Path) -> Iterator[str]:
    for name in ("pubmedqa_docs", "medquad_docs"):
        for row in _rows(shared / "healthcare" / f"{name}.jsonl"):
            for section in row["sections"]:
                yield from _cut(section["text"])


def _healthcare_questions(shared: Path) -> Iterator[str]:
    for name in ("pubmedqa", "medquad"):
        for row in _rows(shared / "healthcare" / f"{name}_questions.jsonl"):
            yield row["question"]


def _legal(shared: Path) -> Iterator[str]:
    for path in sorted((shared / "legal" / "cuad_contracts").glob("*.txt")):
        yield from _cut(path.read_text(encoding="utf-8"))
    for row in _rows(shared / "legal" / "hipaa_sections.jsonl"):
        yield from _cut(row["text"])


def _legal_questions(shared: Path) -> Iterator[str]:
    for row in _rows(shared / "legal" / "cuad_questions.jsonl"):
        yield f"In the {row['contract']}: {row['question']}"
    for row in _rows(shared / "legal" / "hipaa_questions.jsonl"):
        yield row["question"]


def _finance(shared: Path) -> Iterator[str]:
    for row in _rows(shared / "finance" / "financebench_pages.jsonl.gz"):
        yield from _cut(re.sub(r"\s{2,}", " ", row["text"]))
    for row in _rows(shared / "finance" / "tatqa_docs.jsonl"):
        for paragraph in row["paragraphs"]:
            yield from _cut(paragraph["text"])


def _finance_questions(shared: Path) -> Iterator[str]:
    for name in ("financebench", "tatqa"):
        for row in _rows(shared / "finance" / f"{name}_questions.jsonl"):
            yield row["question"]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
