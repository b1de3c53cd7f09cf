"""The record as tables. Rows are read through these models and written by `log.append` alone.

The database fills every column from the header when a row is inserted, so columns cannot say
anything else than the header does (see migrations/0001_the_record.py).
"""

import json
from typing import Any, ClassVar

from django.db import models


class RecordedEvent(models.Model):
    """One event. `header` is the evidence; `leaf` its hash; the other columns are for searching."""

    event_id = models.UUIDField(primary_key=True)
    recorded_at = models.DateTimeField()
    type = models.TextField()
    actor = models.UUIDField(null=True)
    session = models.UUIDField(null=True)
    request = models.UUIDField(null=True)
    object = models.UUIDField(null=True)
    matter = models.UUIDField(null=True)
    outcome = models.TextField()
    header = models.BinaryField()
    leaf = models.BinaryField()

    class Meta:
        db_table = "compliance_event"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-recorded_at", "-event_id"], name="events_by_time"),
            models.Index(fields=["actor", "-recorded_at"], name="events_by_actor"),
            models.Index(fields=["matter", "-recorded_at"], name="events_by_matter"),
            models.Index(fields=["type", "-recorded_at"], name="events_by_type"),
            # Few events go wrong, and those are looked for among millions that did not.
            models.Index(
                fields=["outcome", "-recorded_at"],
                condition=models.Q(outcome__in=["failed", "refused"]),
                name="events_gone_wrong",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    def said(self) -> dict[str, Any]:
        """What the header says, as plain values."""
        said: dict[str, Any] = json.loads(bytes(self.header))
        return said


class Mention(models.Model):
    """An event names something: its object or an identifier in its fields.

    "All on this document" is a search here. It is a table rather than an array with a GIN index
    because array operators are not leakproof, so row security would keep such an index from use.
    """

    pk = models.CompositePrimaryKey("object", "event_id")
    object = models.UUIDField()
    event_id = models.UUIDField()

    class Meta:
        db_table = "compliance_mention"

    def __str__(self) -> str:
        return f"{self.object} in {self.event_id}"


class Pending(models.Model):
    """An event that has not been given its number in the tree. The sequencer empties this table."""

    event_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "compliance_pending"

    def __str__(self) -> str:
        return str(self.event_id)


class Content(models.Model):
    """The texts of an event as ciphertext (compliance/sealed.py). The key is in another store."""

    event_id = models.UUIDField(primary_key=True)
    key_id = models.UUIDField(unique=True)
    ciphertext = models.BinaryField()
    sha256 = models.GeneratedField(
        expression=models.Func(models.F("ciphertext"), function="sha256"),
        output_field=models.BinaryField(),
        db_persist=True,
    )

    class Meta:
        db_table = "compliance_content"

    def __str__(self) -> str:
        return f"content of {self.event_id}"


class Hold(models.Model):
    """Content that must be kept: a matter's, a person's, of a span of time. None: of any."""

    id = models.UUIDField(primary_key=True)
    reference = models.TextField()
    matter = models.UUIDField(null=True)
    person = models.UUIDField(null=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    placed_by = models.UUIDField()
    placed_at = models.DateTimeField()
    lifted_by = models.UUIDField(null=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "compliance_hold"

    def __str__(self) -> str:
        return self.reference


class Erasure(models.Model):
    """Content to be erased: asked for by one person, approved by another, then carried out."""

    id = models.UUIDField(primary_key=True)
    scope = models.TextField()
    target = models.UUIDField()
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    certificate = models.TextField(default="")

    class Meta:
        db_table = "compliance_erasure"

    def __str__(self) -> str:
        return f"erasure of {self.scope} {self.target}"


class Erased(models.Model):
    """An event whose content an approved erasure covers."""

    event_id = models.UUIDField(primary_key=True)
    erasure_id = models.UUIDField(db_index=True)

    class Meta:
        db_table = "compliance_erased"

    def __str__(self) -> str:
        return f"content of {self.event_id}, erased"
