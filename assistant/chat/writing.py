"""Takes the model's text as it comes, cuts it into sentences, and checks each when it is whole."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from assistant.chat.ground import Checked, Source, Support
from assistant.chat.models import Citation
from assistant.chat.repeats import first_repeated
from assistant.chat.stream import Publisher
from assistant.chat.turn import Shown
from assistant.documents.sentences import split

INVISIBLE = {
    *range(0xE0000, 0xE0080),  # tags
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *(code for code in range(0x20) if chr(code) not in "\n\t"),
    *range(0x7F, 0xA0),
    0xFEFF,
}
_DROP = dict.fromkeys(INVISIBLE)
LONGEST_FENCE = 400
"""Characters; a fence carries a document's title."""


class Writing:
    """An answer while it is written. Used by one thread."""

    def __init__(self, shown: Shown, publisher: Publisher, *, mark: str, grounded: bool) -> None:
        self._evidence = {row.rank: row for row in shown.rows}
        self._grounds = shown.grounds
        self._publisher = publisher
        self._grounded = grounded
        self._numbers: dict[tuple[str, int, int], int] = {}
        self._fence = re.compile(rf"<</?{re.escape(mark)}[^>\n]*>>")
        self._held = ""
        self._tail = ""
        self.text = ""
        self.sentences: list[dict[str, Any]] = []
        self.citations: list[Citation] = []
        self._repeats_from: int | None = None

    def add(self, piece: str) -> None:
        """Take the next piece of the model's text and pass it on. Ask `is_repeating` after it."""
        # Characters nobody sees carry no meaning a reader could check.
        piece = self._without_fences(piece.translate(_DROP))
        self._take(piece)

    def _take(self, piece: str) -> None:
        if not self.text:
            piece = piece.lstrip()
        if not piece:
            return
        self.text += piece
        self._tail += piece
        self._publisher.text(piece)
        if any(mark in piece for mark in ".!?\n"):
            self._check_whole_sentences()

    def _without_fences(self, piece: str) -> str:
        """Take out the marks that fence quoted text in the prompt, when a model repeats them.

        What may be the beginning of one is held back until it is known.
        """
        text = self._fence.sub("", self._held + piece)
        begun = text.rfind("<")
        if begun > 0 and text[begun - 1] == "<":
            begun -= 1
        is_open = begun >= 0 and len(text) - begun < LONGEST_FENCE and ">>" not in text[begun:]
        self._held = text[begun:] if is_open else ""
        return text[:begun] if is_open else text

    def end(self) -> None:
        """The model has finished: check what is left."""
        rest, self._held = self._fence.sub("", self._held), ""
        if not self.is_repeating:
            self._take(rest)
        if self._tail.strip() and not self.is_repeating:
            self._settle(self._tail)
        self._tail = ""
        if self.is_repeating:
            self._drop_repeats()

    def _drop_repeats(self) -> None:
        """Keep what was there before the model began to repeat itself."""
        del self.sentences[self._repeats_from :]
        # Citations are numbered in the order of their sentences, so the last ones lose their use.
        used = [number for entry in self.sentences for number in entry["citations"]]
        del self.citations[max(used, default=0) :]
        self.text = "".join(entry["text"] for entry in self.sentences)

    def quote(self, sources: Sequence[Source]) -> None:
        """Put quotations in the place of what the model wrote."""
        self.sentences, self.citations, self._numbers = [], [], {}
        for source in sources:
            span = self._cite(source)
            self.sentences.append(
                {
                    "text": source.text,
                    "support": Support.QUOTATION.value,
                    "citations": [span.number],
                    "numbers_missing": [],
                }
            )
        self.text = "\n\n".join(source.text for source in sources)

    @property
    def is_repeating(self) -> bool:
        """Whether the model says again what it has said; what follows is not worth waiting for."""
        return self._repeats_from is not None

    @property
    def supported_share(self) -> float:
        """The share of its sentences that the evidence supports (0..1)."""
        if not self.sentences:
            return 0.0
        supported: int = sum(s["support"] == Support.SUPPORTED.value for s in self.sentences)
        return supported / len(self.sentences)

    def _check_whole_sentences(self) -> None:
        spans = split(self._tail)
        # The last sentence may go on; so may one that ends where the text ends.
        for span, following in pairwise(spans):
            self._settle(self._tail[span.start - self._gap(span.start) : following.start])
            if self.is_repeating:
                return
        if len(spans) > 1:
            self._tail = self._tail[spans[-1].start :]

    def _gap(self, start: int) -> int:
        """White space before the first sentence belongs to it."""
        return start if not self._tail[:start].strip() else 0

    def _settle(self, sentence: str) -> None:
        checked = self._check(sentence)
        numbers = []
        for source in checked.sources:
            known = len(self.citations)
            span = self._cite(source)
            numbers.append(span.number)
            if len(self.citations) > known:
                self._publisher.event({"type": "citation", **span.as_event()})
        entry = {
            "text": sentence,
            "support": checked.support.value,
            "citations": numbers,
            "numbers_missing": list(checked.numbers_missing),
        }
        self.sentences.append(entry)
        self._publisher.event({"type": "sentence", "index": len(self.sentences) - 1, **entry})
        said = [sentence["text"] for sentence in self.sentences]
        self._repeats_from = first_repeated(said)

    def _check(self, sentence: str) -> Checked:
        if not self._grounded:
            return Checked(support=Support.UNSUPPORTED)
        return self._grounds.check(sentence)

    def _cite(self, source: Source) -> Citation:
        """The citation for a source, numbered at its first use; not stored yet."""
        row = self._evidence[source.rank]
        key = (str(row.version_id), row.start + source.start, row.start + source.end)
        if key in self._numbers:
            return self.citations[self._numbers[key] - 1]
        span = Citation(
            number=len(self.citations) + 1,
            document_id=row.document_id,
            version_id=row.version_id,
            title=row.title,
            page=row.page,
            start=key[1],
            end=key[2],
            text=source.text,
        )
        self.citations.append(span)
        self._numbers[key] = span.number
        return span
