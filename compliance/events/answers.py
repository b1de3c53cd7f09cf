"""Events about questions, evidence, answers and conversations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from compliance.shape import Digest, Event, Outcome, Reference, Word


class AnswerState(StrEnum):
    """How an answer that was given stands on the documents."""

    ANSWERED = "answered"
    QUOTED = "quoted"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageShown:
    """One passage of evidence: which, of which document and version, and the hash of its text."""

    passage: Reference
    document: UUID
    version: Reference
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRan(Event):
    """Passages are about to be listed; written ahead.

    `query` commits to the words, `passages` to the ids shown.
    """

    type: ClassVar[str] = "search.ran"
    says: ClassVar[str] = "{actor} searched {matter}; {shown} passages were shown"
    outcome: Outcome = Outcome.BEGUN
    query: Digest
    k: int
    shown: int
    passages: Digest | None = None
    documents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked(Event):
    """A question was put; written before anything is generated. Object: the question's message."""

    type: ClassVar[str] = "question.asked"
    says: ClassVar[str] = "{actor} asked a question in {matter}"
    outcome: Outcome = Outcome.BEGUN
    conversation: UUID
    answer: UUID | None = None
    question: Digest
    edits: UUID | None = None
    pictures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceShown(Event):
    """Passages are about to be shown as evidence; written ahead. Object: the answer's message."""

    type: ClassVar[str] = "evidence.shown"
    says: ClassVar[str] = "{actor} was shown {passages} passages in {matter}"
    outcome: Outcome = Outcome.BEGUN
    conversation: UUID | None = None
    passages: tuple[PassageShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGiven(Event):
    """An answer is complete. Object: the answer's message.

    `prompt` and `answer` commit to the texts.
    """

    type: ClassVar[str] = "answer.given"
    says: ClassVar[str] = "{actor} received an answer in {matter}: {state}, {citations} citations"
    conversation: UUID | None = None
    state: AnswerState
    model: Word | None = None
    prompt_version: Word | None = None
    prompt: Digest | None = None
    answer: Digest
    tokens_in: int = 0
    tokens_out: int = 0
    citations: int = 0
    receipt: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStopped(Event):
    """An answer was stopped by a person. Object: the answer's message.

    `answer` commits to the part that was kept.
    """

    type: ClassVar[str] = "answer.stopped"
    says: ClassVar[str] = "{actor} stopped an answer in {matter}"
    conversation: UUID | None = None
    model: Word | None = None
    answer: Digest | None = None
    tokens_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFailed(Event):
    """An answer could not be made, and the kind of reason. Object: the answer's message."""

    type: ClassVar[str] = "answer.failed"
    says: ClassVar[str] = "An answer for {actor} in {matter} failed: {reason}"
    outcome: Outcome = Outcome.FAILED
    conversation: UUID | None = None
    reason: Word
    model: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRefused(Event):
    """An answer was not allowed, and by which rule. Object: the answer's message."""

    type: ClassVar[str] = "answer.refused"
    says: ClassVar[str] = "An answer for {actor} in {matter} was refused: {reason}"
    outcome: Outcome = Outcome.REFUSED
    conversation: UUID | None = None
    reason: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRetried(Event):
    """An answer is made again; written before it is generated. Object: the new answer's message."""

    type: ClassVar[str] = "answer.retried"
    says: ClassVar[str] = "{actor} asked for another answer in {matter}"
    outcome: Outcome = Outcome.BEGUN
    conversation: UUID | None = None
    replaces: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationOpened(Event):
    """Earlier messages are about to be shown; written ahead. Object: the conversation."""

    type: ClassVar[str] = "conversation.opened"
    says: ClassVar[str] = "{actor} opened {object} in {matter}"
    outcome: Outcome = Outcome.BEGUN
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRenamed(Event):
    """A conversation was renamed; `title` commits to the new title. Object: the conversation."""

    type: ClassVar[str] = "conversation.renamed"
    says: ClassVar[str] = "{actor} renamed {object}"
    title: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationDeleted(Event):
    """A conversation was deleted. Object: the conversation."""

    type: ClassVar[str] = "conversation.deleted"
    says: ClassVar[str] = "{actor} deleted {object} from {matter}"
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationsSearched(Event):
    """A person searched the own history; `query` commits to the words."""

    type: ClassVar[str] = "conversation.searched"
    says: ClassVar[str] = "{actor} searched earlier conversations; {shown} were shown"
    outcome: Outcome = Outcome.BEGUN
    query: Digest
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(Event):
    """An answer was judged; `comment` commits to what was written. Object: the answer's message."""

    type: ClassVar[str] = "feedback.given"
    says: ClassVar[str] = "{actor} judged an answer in {matter}: {verdict}"
    verdict: Word
    reason: Word | None = None
    comment: Digest | None = None
