"""The record as tables. Rows are read through these models and written by `log.append` alone.

The database fills every column from the header when a row is inserted, so columns cannot say
anything else than the header does (see migrations/0001_the_record.py).
"""

import json
from typing import Any, ClassVar
from uuid import uuid4

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
            # What somebody did, or what was done in a matter, is counted from its index alone.
            models.Index(
                fields=["actor", "-recorded_at"],
                include=["matter", "type", "outcome"],
                name="events_by_actor",
            ),
            models.Index(
                fields=["matter", "-recorded_at"],
                include=["actor", "type", "outcome"],
                name="events_by_matter",
            ),
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


class SavedSearch(models.Model):
    """A search of the record that somebody kept, for themselves or for a role.

    `nonce` opens the commitment to the name that the record holds.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.UUIDField()
    name = models.CharField(max_length=80)
    nonce = models.BinaryField()
    query = models.CharField(max_length=2400)
    shared_with = models.CharField(max_length=40, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "compliance_saved_search"
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Pending(models.Model):
    """An event that has not been given its number in the tree. The sequencer empties this table."""

    event_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "compliance_pending"

    def __str__(self) -> str:
        return str(self.event_id)
