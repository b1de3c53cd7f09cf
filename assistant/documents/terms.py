"""The words of a text as the lexical index knows them: folded, without stop words, stemmed.

One function for documents, questions and answers, so that a term means the same everywhere.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator

import Stemmer

LONGEST_TERM = 40
_WORD = re.compile(r"\d[\d.,]*\d|\w+(?:['’]\w+)?", re.UNICODE)
_POSSESSIVE = re.compile(r"['’]s$")

STOP_WORDS = frozenset(
    "a about above after again all also am an and any are as at be because been before being below "
    "between both but by can could did do does doing during each few for from further had has have "
    "having he her here hers him his how i if in into is it its itself just me more most my no nor "
    "not of off on once only or other our out over own same she should so some such than that the "
    "their them then there these they this those through to too under until up very was we were "
    "what when where which while who whom why will with would you your".split()
)

_per_thread = threading.local()


def _stem(word: str) -> str:
    # A Stemmer must not be used by two threads at once.
    stemmer = getattr(_per_thread, "stemmer", None)
    if stemmer is None:
        stemmer = _per_thread.stemmer = Stemmer.Stemmer("english")
    stemmed: str = stemmer.stemWord(word)
    return stemmed


def terms_of(text: str) -> list[str]:
    """The terms of a text in order, repeated as often as they stand there."""
    return [term for term, _, _ in terms_with_places(text)]


def terms_with_places(text: str) -> Iterator[tuple[str, int, int]]:
    """Each term with the code points its word stands at: (term, start, end)."""
    for match in _WORD.finditer(text):
        term = _term(match.group())
        if term:
            yield term, match.start(), match.end()


def _term(word: str) -> str:
    folded = unicodedata.normalize("NFKC", word).casefold()
    if folded[0].isdigit():
        return folded.replace(",", "").rstrip(".")[:LONGEST_TERM]
    folded = _POSSESSIVE.sub("", folded)
    if folded in STOP_WORDS:
        return ""
    return _stem(folded)[:LONGEST_TERM]
