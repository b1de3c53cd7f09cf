"""The record as tables. Rows are read through these models and written by `log.append` alone.

The database fills every column from the header when a row is inserted, so columns cannot say
anything else than the header does (see migrations/0001_the_record.py).
"""

import json
from typing import Any, ClassVar
from uuid import uuid4

from django.db import models
from django.utils import timezone


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
    mac = models.BinaryField(null=True)

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
    recorded_at = models.DateTimeField()
    leaf = models.BinaryField()
    writer = models.UUIDField(null=True)
    seq = models.BigIntegerField(null=True)

    class Meta:
        db_table = "compliance_pending"

    def __str__(self) -> str:
        return str(self.event_id)


class Leaf(models.Model):
    """The number of an event in the tree, counted from 0."""

    idx = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    leaf = models.BinaryField()

    class Meta:
        db_table = "compliance_leaf"

    def __str__(self) -> str:
        return f"{self.event_id} is number {self.idx}"


class Tile(models.Model):
    """Up to 256 hashes of the tree, side by side (`compliance.ledger.edge`)."""

    pk = models.CompositePrimaryKey("level", "n", "width")
    level = models.SmallIntegerField()
    n = models.BigIntegerField()
    width = models.SmallIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "compliance_tile"

    def __str__(self) -> str:
        return f"tile {self.level}/{self.n} of {self.width}"


class Root(models.Model):
    """What the sequencer says the tree's root was at a size. Nobody has checked it yet."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    sequenced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "compliance_root"

    def __str__(self) -> str:
        return f"root at {self.size}"


class Checkpoint(models.Model):
    """A head of the tree that the signer has checked and signed. `note` is the evidence."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "compliance_checkpoint"

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"


class Cosignature(models.Model):
    """A witness's line under a checkpoint."""

    pk = models.CompositePrimaryKey("size", "witness")
    size = models.BigIntegerField()
    witness = models.TextField()
    line = models.TextField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "compliance_cosignature"

    def __str__(self) -> str:
        return f"{self.witness} under {self.size}"


class Alarm(models.Model):
    """Something about the record that somebody should look at; each is an event as well.

    `kind` is one of `compliance.ledger.alarms.Kind`, `subject` what it is about, `detail` counts.
    """

    kind = models.TextField()
    subject = models.TextField(default="")
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    detail = models.JSONField(default=dict)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "compliance_alarm"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_alarm_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
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
