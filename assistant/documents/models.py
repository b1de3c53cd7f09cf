"""Documents, their versions, pages and passages.

A document is a name in a matter; its bytes and text belong to versions, one of which is live.
Offsets are code points in `Version.text`, end exclusive, so that each quotation can be found again.
Every table carries `acl_group`: the database shows a row only to those who may see that group.
"""

import uuid
from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from pgvector.django import HalfVectorField

from assistant.access.models import Matter
from assistant.accounts.models import Clearance, Group, User

DIMENSIONS = 384


class State(StrEnum):
    """Where a version stands. The last four are final."""

    RECEIVED = "received"
    READING = "reading"
    EMBEDDING = "embedding"
    INDEXED = "indexed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


WORKING = (State.RECEIVED, State.READING, State.EMBEDDING)


class Document(models.Model):
    """A named document of a matter.

    No constraint keeps titles apart: whoever may not see a document takes in another of its name,
    and both are there when a barrier between them is lifted. `intake.accept_upload` opens no second
    one beside a document that its uploader sees.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="documents")
    acl_group = models.IntegerField(default=0)
    title = models.CharField(max_length=255)
    classification = models.PositiveSmallIntegerField(
        choices=Clearance.choices, default=Clearance.INTERNAL
    )
    purposes = ArrayField(
        models.CharField(max_length=40), default=list, help_text="empty: for any purpose"
    )
    is_restricted = models.BooleanField(default=False, help_text="for those with a grant alone")
    stands_alone = models.BooleanField(default=False, help_text="has a group of its own")
    live_version = models.OneToOneField(
        "Version", models.SET_NULL, null=True, related_name="live_for"
    )
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["title"]

    def __str__(self) -> str:
        return str(self.id)


class DocumentGrant(models.Model):
    """Lets a member of the matter, or a group's members among them, read a restricted document."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="grants")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    group = models.ForeignKey(Group, models.DO_NOTHING, null=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["document", "user", "group"],
                nulls_distinct=False,
                name="one_grant_for_each",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or self.group_id} reads {self.document_id}"


class Version(models.Model):
    """One upload of a document: its bytes (by SHA-256), its text, what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(Document, models.CASCADE, related_name="versions")
    acl_group = models.IntegerField()
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="bytes")
    kind = models.CharField(max_length=20, default="")
    paged = models.BooleanField(default=False)
    state = models.CharField(max_length=12, default=State.RECEIVED)
    reason = models.TextField(default="")
    notes = models.JSONField(default=list)
    text = models.TextField(default="")
    page_count = models.PositiveIntegerField(default=0)
    passage_count = models.PositiveIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0, help_text="percent of this step")
    seconds = models.JSONField(default=dict, help_text="how long each step took")
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "number"], name="versions_are_numbered"),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in State]),
                name="version_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_working(self) -> bool:
        return self.state in WORKING


class Page(models.Model):
    """A page of a version: where it stands in the text."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="pages")
    acl_group = models.IntegerField()
    number = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    state = models.CharField(max_length=10)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["version", "number"], name="pages_are_numbered"),
        ]

    def __str__(self) -> str:
        return f"page {self.number} of {self.version_id}"


class Passage(models.Model):
    """A stretch of text that is found and shown as one. `digest` names what was embedded."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="passages")
    document = models.ForeignKey(Document, models.CASCADE, related_name="+")
    acl_group = models.IntegerField()
    ordinal = models.PositiveIntegerField()
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["version", "ordinal"], name="passages_are_in_order"),
        ]

    def __str__(self) -> str:
        return f"passage {self.pk}"


class PassageVector(models.Model):
    """The vector of a live passage. A narrow row, so that an exact scan stays cheap."""

    passage = models.OneToOneField(Passage, models.CASCADE, primary_key=True)
    acl_group = models.IntegerField()
    cell = models.IntegerField(default=0)
    embedding: Any = HalfVectorField(dimensions=DIMENSIONS)

    def __str__(self) -> str:
        return f"vector of {self.passage_id}"


class Posting(models.Model):
    """How often a term stands in a live passage: the lexical half of the index."""

    pk = models.CompositePrimaryKey("term", "acl_group", "passage_id")
    term = models.CharField(max_length=40)
    acl_group = models.IntegerField()
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="+", db_index=False)
    frequency = models.PositiveSmallIntegerField()
    words = models.PositiveIntegerField(help_text="length of the passage")

    def __str__(self) -> str:
        return f"posting of {self.passage_id}"


class IngestWork(models.Model):
    """Work on a version: whose it is, and the sealed token it is done with. Holds no content."""

    version_id = models.UUIDField(primary_key=True)
    sealed_token = models.BinaryField()
    worker = models.CharField(max_length=80, default="")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"work on {self.version_id}"
