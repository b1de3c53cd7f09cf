"""Checks what a model wrote against what was shown to it, sentence by sentence.

A sentence is supported when enough of its content words stand close together in one or two
sentences of the evidence, its numbers and the words beside them stand in those, and it does not
deny what they say or say what they deny. It is a source match: it tells whether a sentence is taken
from the documents, not whether it follows from them. Known limits: docs/compliance.md.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.documents.sentences import split
from assistant.documents.terms import terms_of

ENOUGH = 0.5
"""Share of a sentence's words, weighted by rarity, that its sources must hold."""

SECOND_SOURCE_ADDS = 0.15
BESIDE = 2
"""Words on each side of a number that say what it counts: a drug, a party, a unit."""

FEWEST_TERMS = 3
"""A sentence of fewer content words says too little to be checked by words alone."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?![\w])")
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|n't)\b|n['’]t\b", re.I)
_CLAUSE_END = re.compile(r";\s|,\s+(?:and|or|but)\s")
_MARK = re.compile(r"\[\d+\]")


class Support(StrEnum):
    """What a sentence of an answer rests on."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    QUOTATION = "quotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sentence of the evidence: `rank` of its passage, and code points within that passage."""

    rank: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found out about one sentence of an answer."""

    support: Support
    sources: tuple[Source, ...] = ()
    numbers_missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    source: Source
    terms: frozenset[str]
    numbers: frozenset[str]


class Grounds:
    """The passages of an answer, cut into sentences that can be quoted."""

    def __init__(self, passages: Iterable[tuple[int, str]]) -> None:
        """`passages` are pairs of rank and text."""
        self._known = [
            _Known(source, frozenset(terms_of(source.text)), frozenset(numbers_in(source.text)))
            for rank, text in passages
            for source in _sentences(rank, text)
        ]
        counted = Counter(term for known in self._known for term in known.terms)
        total = max(1, len(self._known))
        self._weights = {
            term: math.log(1 + total / count) for term, count in counted.items()
        }
        self._unknown_weight = math.log(1 + total)

    def check(self, sentence: str) -> Checked:
        """What the evidence says to one sentence of an answer."""
        sentence = _MARK.sub("", sentence)
        terms = frozenset(terms_of(sentence))
        missing = self._missing_numbers(sentence)
        if len(terms) < FEWEST_TERMS and not numbers_in(sentence):
            return Checked(support=Support.UNSUPPORTED, numbers_missing=missing)
        sources, share = self._best(terms)
        supported = (
            share >= ENOUGH
            and not missing
            and not _contradicts(sentence, sources)
            and _numbers_are_at_home(sentence, sources)
        )
        if not supported:
            return Checked(support=Support.UNSUPPORTED, numbers_missing=missing)
        return Checked(
            support=Support.SUPPORTED, sources=tuple(known.source for known in sources)
        )

    def quotations(self, question: str, *, most: int = 2) -> list[Source]:
        """The sentences that say most about a question, best first."""
        wanted = frozenset(terms_of(question))
        scored = [
            (self._worth(known, wanted), -known.source.rank, known)
            for known in self._known
            if len(known.terms) >= FEWEST_TERMS and _says_something(known.source.text)
        ]
        scored.sort(key=lambda entry: entry[:2], reverse=True)
        if not scored or scored[0][0] <= 0:
            return []
        least = scored[0][0] * 0.7
        return [known.source for worth, _, known in scored[:most] if worth >= least]

    def coverage(self, question: str) -> float:
        """The share of a question's words, weighted by rarity, that the evidence holds (0..1)."""
        wanted = frozenset(terms_of(question))
        everything = frozenset[str]().union(*(known.terms for known in self._known))
        return self._share(wanted, everything)

    def _best(self, terms: frozenset[str]) -> tuple[list[_Known], float]:
        """The source, or the two sources, that hold most of these terms, and how much."""
        if not terms or not self._known:
            return [], 0.0
        first = max(self._known, key=lambda known: self._share(terms, known.terms))
        share = self._share(terms, first.terms)
        second = max(self._known, key=lambda k: self._share(terms, first.terms | k.terms))
        both = self._share(terms, first.terms | second.terms)
        if both - share >= SECOND_SOURCE_ADDS:
            return [first, second], both
        return [first], share

    def _share(self, terms: frozenset[str], held: frozenset[str]) -> float:
        total = sum(self._weight(term) for term in terms)
        return sum(self._weight(term) for term in terms & held) / total if total else 0.0

    def _worth(self, known: _Known, wanted: frozenset[str]) -> float:
        shared = sum(self._weight(term) for term in wanted & known.terms)
        return shared / math.sqrt(6 + len(known.terms))

    def _weight(self, term: str) -> float:
        return self._weights.get(term, self._unknown_weight)

    def _missing_numbers(self, sentence: str) -> tuple[str, ...]:
        held = frozenset[str]().union(*(known.numbers for known in self._known))
        return tuple(number for number in numbers_in(sentence) if number not in held)


def numbers_in(text: str) -> list[str]:
    """The numbers of a text in one spelling: no thousands separators, no trailing zeros."""
    found = []
    for match in _NUMBER.finditer(_MARK.sub("", text)):
        number = match.group().replace(",", "").lstrip("+")
        if "." in number:
            number = number.rstrip("0").rstrip(".")
        found.append(number.lstrip("-"))
    return found


def _numbers_are_at_home(sentence: str, sources: Sequence[_Known]) -> bool:
    """Whether each number stands in a source together with the words beside it.

    "12.5 mg of heparin" is not supported by "12.5 mg of hydrochlorothiazide", and "with high risk
    24 hours" is not by "with low risk 24 hours; with high risk 48 hours".
    """
    numbers = frozenset(numbers_in(sentence))
    terms = frozenset(terms_of(sentence))
    return all(
        any(
            number in known.numbers
            and beside <= known.terms
            and not _lends_words(known.source.text, number, terms, numbers)
            for known in sources
        )
        for number, beside in _beside_numbers(sentence, numbers)
    )


def _beside_numbers(
    sentence: str, numbers: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Each number with the terms beside it in its own clause."""
    for clause in _CLAUSE_END.split(sentence):
        terms = terms_of(clause)
        for place, term in enumerate(terms):
            for number in numbers & frozenset(numbers_in(term)):
                beside = terms[max(0, place - BESIDE) : place + BESIDE + 1]
                yield number, frozenset(beside) - {term}


def _lends_words(
    text: str, number: str, terms: frozenset[str], numbers: frozenset[str]
) -> bool:
    """Whether words of the sentence come from another number's clause of the source.

    Only from a later clause with numbers of its own, none of them in the sentence: what stands
    before a number belongs to it as well.
    """
    clauses = _CLAUSE_END.split(text)
    place = next(
        (at for at, clause in enumerate(clauses) if number in numbers_in(clause)), len(clauses)
    )
    before = frozenset(terms_of(" ".join(clauses[: place + 1])))
    rivals = [
        clause
        for clause in clauses[place + 1 :]
        if (others := numbers_in(clause)) and numbers.isdisjoint(others)
    ]
    return any((terms & frozenset(terms_of(clause))) - before for clause in rivals)


def _says_something(text: str) -> bool:
    """Whether this is a sentence. A heading names what follows and answers nothing."""
    text = text.strip()
    return not text.startswith("#") and (text[-1:] in ".!?;:”\"')" or len(text.split()) > 12)


def _contradicts(sentence: str, sources: Sequence[_Known]) -> bool:
    """Whether a sentence denies what no source denies, or says what all of them deny."""
    denials = [bool(_NEGATION.search(known.source.text)) for known in sources]
    return not any(denials) if _NEGATION.search(sentence) else bool(denials) and all(denials)


def _sentences(rank: int, text: str) -> list[Source]:
    return [
        Source(rank=rank, start=span.start, end=span.end, text=text[span.start : span.end])
        for span in split(text)
    ]
