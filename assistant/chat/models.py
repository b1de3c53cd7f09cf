"""Conversations, questions, answers, and what the answers rest on.

A conversation belongs to one person and one matter and never moves. Questions form a tree: a
question follows an answer (or nothing), editing a question makes a sibling, asking again makes
another answer to the same question.
"""

import uuid
from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value

from assistant.access.models import Matter
from assistant.accounts.models import User


class AnswerState(StrEnum):
    """Where an answer stands. The last six are final."""

    QUEUED = "queued"
    ANSWERING = "answering"
    ANSWERED = "answered"
    QUOTED = "quoted"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN_STATES = (AnswerState.QUEUED, AnswerState.ANSWERING)


class Conversation(models.Model):
    """A thread of questions in one matter."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, models.CASCADE, related_name="conversations")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="+")
    acl_group = models.IntegerField(default=0)
    title = models.CharField(max_length=120, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-updated_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-updated_at"], name="conversations_of_a_person"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Question(models.Model):
    """What somebody asked. `key` comes from the browser, so that a resend is the same question."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="questions")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    follows = models.ForeignKey("Answer", models.CASCADE, null=True, related_name="next_questions")
    text = models.TextField()
    nonce = models.BinaryField(help_text="opens the commitment that the record holds")
    uses_documents = models.BooleanField(default=True)
    key = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "key"], name="a_question_is_asked_once"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Answer(models.Model):
    """An answer, from queued to final. `sentences` holds what was checked, see ground.py."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(Question, models.CASCADE, related_name="answers")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    state = models.CharField(
        max_length=10, default=AnswerState.QUEUED, db_default=AnswerState.QUEUED
    )
    reason = models.TextField(default="", db_default="")
    attempt = models.PositiveSmallIntegerField(default=0, db_default=0)
    text = models.TextField(default="", db_default="")
    sentences = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    model = models.CharField(max_length=100, default="", db_default="")
    why = models.CharField(max_length=200, default="", db_default="")
    receipt = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    rests_on: Any = ArrayField(
        models.UUIDField(),
        default=list,
        db_default=[],
        help_text="documents its evidence was shown from",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in AnswerState]),
                name="answer_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


class Evidence(models.Model):
    """A passage that was shown for an answer, as it stood then."""

    answer = models.ForeignKey(Answer, models.CASCADE, related_name="evidence")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    rank = models.PositiveSmallIntegerField()
    passage_id = models.BigIntegerField()
    document_id = models.UUIDField()
    version_id = models.UUIDField()
    title = models.CharField(max_length=255)
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    score = models.FloatField()
    marks = models.JSONField(default=list, help_text="best sentences: [start, end] in `text`")

    class Meta:
        ordering: ClassVar[list[str]] = ["rank"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["answer", "rank"], name="evidence_is_ranked"),
        ]

    def __str__(self) -> str:
        return f"evidence {self.rank} of {self.answer_id}"

    def as_event(self) -> dict[str, Any]:
        """The passage in the words of the live events."""
        return {
            "rank": self.rank,
            **_place(self),
            "score": round(self.score, 4),
            "marks": self.marks,
        }


class Citation(models.Model):
    """A verbatim span an answer rests on. `number` is the mark the reader sees."""

    answer = models.ForeignKey(Answer, models.CASCADE, related_name="citations")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    number = models.PositiveSmallIntegerField()
    document_id = models.UUIDField()
    version_id = models.UUIDField()
    title = models.CharField(max_length=255)
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["answer", "number"], name="citations_are_numbered"),
        ]

    def __str__(self) -> str:
        return f"citation {self.number} of {self.answer_id}"

    def as_event(self) -> dict[str, Any]:
        """The citation in the words of the live events."""
        return {"number": self.number, **_place(self)}


def _place(row: Evidence | Citation) -> dict[str, Any]:
    """Where a span stands: code points of the version's text, end exclusive, and the text there."""
    return {
        "document": str(row.document_id),
        "version": str(row.version_id),
        "title": row.title,
        "page": row.page,
        "start": row.start,
        "end": row.end,
        "text": row.text,
    }


class Feedback(models.Model):
    """What the reader thought of an answer."""

    answer = models.OneToOneField(Answer, models.CASCADE, related_name="feedback")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    helpful = models.BooleanField()
    reason = models.CharField(max_length=40, default="")
    text = models.TextField(default="")
    given_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"feedback on {self.answer_id}"


class AnswerWork(models.Model):
    """Work on an answer: who has it until when, and the sealed token it is done with.

    Holds no content, so that a watchman can see stale work of everybody without seeing anybody's
    questions.
    """

    answer_id = models.UUIDField(primary_key=True)
    sealed_token = models.BinaryField()
    worker = models.CharField(max_length=80, default="", db_default="")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    queued_at = models.DateTimeField(auto_now_add=True)
    stop_requested = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"work on {self.answer_id}"
