"""How well the search finds what answers a question, beside plain BM25 over the same passages.

The documents of a set are taken in by the product's own steps into a matter made for it, and asked
through the product's own search; only the confined reader is left out, since the texts are plain.
"""

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from assistant.access.models import Matter
from assistant.accounts.models import User
from assistant.documents import publish, retrieve, vectors
from assistant.documents.chunk import Chunk, chunk
from assistant.documents.ingest import embedded_text
from assistant.documents.models import Document, Version
from assistant.documents.parse import Page, Parsed
from assistant.documents.question_sets import Asked, Place, QuestionSet, Source

DEPTH = 10
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Means over the questions, each 0..1; cut at ten passages."""

    hit1: float
    hit5: float
    hit10: float
    mrr: float
    ndcg: float

    def as_json(self) -> dict[str, float]:
        names = ("hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10")
        values = (self.hit1, self.hit5, self.hit10, self.mrr, self.ndcg)
        return {name: round(value, 4) for name, value in zip(names, values, strict=True)}


class Index:
    """A set's passages, taken in, and which named places each passage touches."""

    def __init__(self, user: User, matter: Matter) -> None:
        self._user = user
        self._matter = matter
        self._places: dict[UUID, tuple[Place, ...]] = {}
        self._texts: list[tuple[UUID, int, int, str]] = []
        self._titles: Counter[str] = Counter()

    def add(self, source: Source) -> None:
        """Take a document in; to be called in a transaction that has entered the user."""
        parsed = Parsed(
            text=source.text, pages=(Page(number=1, start=0, end=len(source.text)),), kind="text"
        )
        chunks = chunk(parsed.text, parsed.pages, count_tokens=vectors.word_pieces().count)
        if not chunks:
            return
        texts = [embedded_text(source.title, source.text[c.start : c.end]) for c in chunks]
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        made = vectors.embedder().passages(texts)
        version = self._version(source)
        publish.publish(
            version,
            title=source.title,
            parsed=parsed,
            chunks=chunks,
            digests=digests,
            vectors=dict(zip(digests, made, strict=True)),
            seconds={},
        )
        self._places[version.document_id] = source.places
        self._remember(version.document_id, chunks, texts)

    def _version(self, source: Source) -> Version:
        # A set may have two documents of one title; a matter has not.
        title = source.title[:240]
        self._titles[title] += 1
        if self._titles[title] > 1:
            title = f"{title} ({self._titles[title]})"
        document = Document(matter=self._matter, title=title, created_by=self._user)
        document.save(force_insert=True)
        version = Version(
            document=document,
            acl_group=0,
            number=1,
            sha256=hashlib.sha256(source.text.encode()).hexdigest(),
            size=len(source.text.encode()),
            uploaded_by=self._user,
        )
        version.save(force_insert=True)
        return version

    def _remember(self, document: UUID, chunks: Sequence[Chunk], texts: Sequence[str]) -> None:
        for c, text in zip(chunks, texts, strict=True):
            self._texts.append((document, c.start, c.end, text))

    def touched(self, document: UUID, start: int, end: int) -> frozenset[str]:
        """The named places that a passage overlaps."""
        return frozenset(
            place.name
            for place in self._places.get(document, ())
            if place.start < end and start < place.end
        )

    def search(self, question: str) -> list[frozenset[str]]:
        """What the product finds, best first, as the places each passage touches."""
        found = retrieve.passages_for(
            question,
            vectors.embedder().query(question),
            scope=retrieve.scope_of(self._matter.id),
            limit=DEPTH,
        )
        return [self.touched(f.document, f.start, f.end) for f in found]

    def plain(self) -> "PlainBm25":
        """The yardstick over the same passages."""
        return PlainBm25([text for *_, text in self._texts])

    def places_of(self, number: int) -> frozenset[str]:
        """The places that passage `number` touches."""
        document, start, end, _ = self._texts[number]
        return self.touched(document, start, end)


class PlainBm25:
    """BM25 with k1 = 1.2 and b = 0.75 and no stemming: what any search engine does at least."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths = []
        for number, text in enumerate(texts):
            words = Counter(_WORD.findall(text.lower()))
            self._lengths.append(sum(words.values()))
            for word, count in words.items():
                self._postings[word].append((number, count))
        self._mean = sum(self._lengths) / max(1, len(self._lengths))

    def search(self, question: str) -> list[int]:
        """The numbers of the best texts."""
        scores: dict[int, float] = defaultdict(float)
        total = len(self._lengths)
        for word in set(_WORD.findall(question.lower())):
            postings = self._postings.get(word, [])
            idf = math.log(1 + (total - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, count in postings:
                norm = 1.2 * (0.25 + 0.75 * self._lengths[number] / self._mean)
                scores[number] += idf * count * 2.2 / (count + norm)
        return sorted(scores, key=lambda number: (-scores[number], number))[:DEPTH]


def score(results: Iterable[tuple[Asked, list[frozenset[str]]]]) -> Scores:
    """Means over questions. A passage is right when it touches a right place.

    nDCG counts each right place once, at the first passage that touches it (Jaervelin and
    Kekaelaeinen 2002, with gain 1).
    """
    rows = [_score_one(asked, found) for asked, found in results]
    count = max(1, len(rows))
    means = [sum(row[number] for row in rows) / count for number in range(5)]
    return Scores(hit1=means[0], hit5=means[1], hit10=means[2], mrr=means[3], ndcg=means[4])


def _score_one(asked: Asked, found: list[frozenset[str]]) -> tuple[float, ...]:
    first = next((n for n, places in enumerate(found) if places & asked.right), None)
    seen: set[str] = set()
    gain = 0.0
    for n, places in enumerate(found):
        new = (places & asked.right) - seen
        seen |= new
        gain += len(new) / math.log2(n + 2)
    ideal = sum(1 / math.log2(n + 2) for n in range(min(DEPTH, len(asked.right))))
    hits = [float(first is not None and first < depth) for depth in (1, 5, 10)]
    return (*hits, 1 / (first + 1) if first is not None else 0.0, min(1.0, gain / (ideal or 1.0)))


def evaluate(index: Index, asked: QuestionSet) -> tuple[Scores, Scores]:
    """The product's scores and plain BM25's, on the same questions and passages."""
    ours = score((question, index.search(question.text)) for question in asked.questions)
    plain = index.plain()
    theirs = score(
        (question, [index.places_of(number) for number in plain.search(question.text)])
        for question in asked.questions
    )
    return ours, theirs
