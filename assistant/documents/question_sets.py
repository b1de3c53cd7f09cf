"""Reads public question sets into documents with named places, and questions with right places.

The formats are the sets' own publishers', see docs/operations.md. Pure: files in, values out.
"""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A named stretch of a document: code points of its text, end exclusive."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document of a set."""

    title: str
    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the names of the places that answer it."""

    text: str
    right: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """A set: its documents and its questions."""

    name: str
    sources: tuple[Source, ...]
    questions: tuple[Asked, ...]


class UnknownSet(Exception):
    """The file is not of a known set."""


def load(questions: Path) -> QuestionSet:
    """The set whose questions are in this file; its documents stand beside it."""
    name = questions.name.removesuffix("_questions.jsonl")
    loader = _LOADERS.get(name)
    if loader is None or not questions.is_file():
        known = ", ".join(f"{known}_questions.jsonl" for known in _LOADERS)
        raise UnknownSet(f"{questions} is none of the known sets: {known}.")
    sources, asked = loader(questions.parent, list(_rows(questions)))
    return QuestionSet(name=name, sources=tuple(sources), questions=tuple(asked))


def _rows(path: Path) -> Iterator[Row]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _joined(title: str, parts: list[tuple[str, str]]) -> Source:
    """One document of named parts, with a blank line between them."""
    text, places = "", []
    for name, part in parts:
        start = len(text)
        text += part.strip() + "\n\n"
        places.append(Place(name=name, start=start, end=len(text)))
    return Source(title=title, text=text, places=tuple(places))


def _pubmedqa(folder: Path, rows: list[Row]) -> tuple[list[Source], list[Asked]]:
    sources = [
        _joined(
            row["doc_id"].replace(":", " "),
            [(row["doc_id"], "\n".join(section["text"] for section in row["sections"]))],
        )
        for row in _rows(folder / "pubmedqa_docs.jsonl")
    ]
    return sources, [
        Asked(text=row["question"], right=frozenset(row["gold_docs"])) for row in rows
    ]


def _medquad(folder: Path, rows: list[Row]) -> tuple[list[Source], list[Asked]]:
    sources = [
        _joined(
            row["title"],
            [
                (f"{row['doc_id']}#{section['section']}", f"{section['type']}\n{section['text']}")
                for section in row["sections"]
            ],
        )
        for row in _rows(folder / "medquad_docs.jsonl")
    ]
    return sources, [
        Asked(
            text=row["question"],
            right=frozenset(f"{gold['doc']}#{gold['section']}" for gold in row["gold_sections"]),
        )
        for row in rows
    ]


def _cuad(folder: Path, rows: list[Row]) -> tuple[list[Source], list[Asked]]:
    evidence: dict[str, list[Row]] = {}
    asked = []
    for row in rows:
        if not row["answerable"]:
            continue
        names = [f"{row['id']}#{number}" for number in range(len(row["evidence"]))]
        evidence.setdefault(row["doc"], []).extend(
            {**span, "name": name} for span, name in zip(row["evidence"], names, strict=True)
        )
        text = f"In the {row['contract']}: {row['question']}"
        asked.append(Asked(text=text, right=frozenset(names)))
    sources = []
    for path in sorted((folder / "cuad_contracts").glob("*.txt")):
        spans = evidence.get(path.name, [])
        places = tuple(Place(name=s["name"], start=s["start"], end=s["end"]) for s in spans)
        text = path.read_bytes().decode("utf-8")
        sources.append(Source(title=path.name, text=text, places=places))
    return sources, asked


def _financebench(folder: Path, rows: list[Row]) -> tuple[list[Source], list[Asked]]:
    pages: dict[str, list[tuple[str, str]]] = {}
    for row in _rows(folder / "financebench_pages.jsonl.gz"):
        name = f"{row['doc']}#{row['page']}"
        pages.setdefault(row["doc"], []).append((name, re.sub(r"[ \t]{2,}", "  ", row["text"])))
    sources = [_joined(name, parts) for name, parts in sorted(pages.items())]
    return sources, [
        Asked(
            text=row["question"],
            right=frozenset(f"{gold['doc']}#{gold['page']}" for gold in row["evidence"]),
        )
        for row in rows
    ]


_LOADERS = {
    "pubmedqa": _pubmedqa,
    "medquad": _medquad,
    "cuad": _cuad,
    "financebench": _financebench,
}
