"""The rules of access as people write them. The database compiles and applies them (migrations)."""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from assistant.accounts.models import Group, User

EMERGENCY_DECIDED_WITHIN = timedelta(hours=24)
"""A request for break-glass that nobody answers lapses; the database refuses decisions after it."""


class Level(StrEnum):
    """What a member may do in a matter. A lead also says who else is a member."""

    LEAD = "lead"
    MEMBER = "member"


class Client(models.Model):
    """Whom matters are for. Walls and lists can stand around all of a client's matters at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Matter(models.Model):
    """A case, a patient programme, a deal: the unit in which documents are shared and kept apart.

    `acl_group` is given by the database when the row is made; rows of every content table carry it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="matters")
    purposes = ArrayField(
        models.CharField(max_length=40), default=list, help_text="offered at sign-in"
    )
    opens_in_emergency = models.BooleanField(
        default=False, help_text="break-glass opens before it is approved"
    )
    acl_group = models.IntegerField(unique=True, default=0)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["reference", "name"]

    def __str__(self) -> str:
        return self.reference


class Membership(models.Model):
    """Somebody's place in a matter."""

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    level = models.CharField(max_length=10, default=Level.MEMBER)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["matter", "user"], name="one_place_in_a_matter"),
            models.CheckConstraint(
                condition=models.Q(level__in=[level.value for level in Level]),
                name="membership_level_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.matter_id}"


class TeamPlace(models.Model):
    """A group's place in a matter: who is in the group is a member, for as long as they are."""

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="teams")
    # Here and below: what a group is named in goes with it by auth.part_with_group.
    group = models.ForeignKey(Group, models.DO_NOTHING, related_name="+")
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["matter", "group"], name="one_team_place_in_a_matter"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} in {self.matter_id}"


class Kind(StrEnum):
    """What a barrier does. A wall keeps its subjects out; the others keep all but them out."""

    WALL = "wall"
    SEAL = "seal"
    LIST = "list"


class Barrier(models.Model):
    """A denial that beats every permission, until it is lifted.

    It stands around a matter, a client's matters, one document, or (a restricted list) every
    document that speaks of one of `names`. The nonces open the commitments to the reasons that the
    record holds. Operators and privacy officers read and write barriers, nobody else.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=4)
    matter = models.ForeignKey(Matter, models.CASCADE, null=True, related_name="barriers")
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="barriers")
    document_id = models.UUIDField(null=True)
    names = ArrayField(models.CharField(max_length=120), default=list)
    reason = models.TextField()
    reason_nonce = models.BinaryField()
    raised_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField(auto_now_add=True)
    lift_reason = models.TextField(default="")
    lift_nonce = models.BinaryField(default=b"")
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in Kind]),
                name="barrier_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class BarrierSubject(models.Model):
    """A person or a group that a barrier names."""

    barrier = models.ForeignKey(Barrier, models.CASCADE, related_name="subjects")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    group = models.ForeignKey(Group, models.DO_NOTHING, null=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(group__isnull=True),
                name="a_subject_is_a_person_or_a_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or self.group_id} of {self.barrier_id}"


class Why(StrEnum):
    """Why somebody breaks the glass."""

    TREATMENT = "treatment"
    SAFETY = "safety"
    DEADLINE = "deadline"
    COVER = "cover"
    OTHER = "other"


class Verdict(StrEnum):
    """What the review of a break-glass access found."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"
    FOLLOW_UP = "follow_up"


class Emergency(models.Model):
    """Break-glass: a person's access to one matter or document, for an hour at most.

    Needs somebody else's approval, before it opens or (where the policy allows it) soon after. It
    is reviewed afterwards by somebody who is neither of the two.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="emergencies")
    matter_id = models.UUIDField()
    document_id = models.UUIDField(null=True)
    asked_for = models.CharField(max_length=200, help_text="the matter as the asker named it")
    why = models.CharField(max_length=20)
    text = models.TextField()
    text_nonce = models.BinaryField()
    minutes = models.PositiveSmallIntegerField()
    asked_at = models.DateTimeField(auto_now_add=True)
    approve_by = models.DateTimeField(null=True, help_text="opened before approval: due then")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="set once its end is on record")
    overdue_at = models.DateTimeField(null=True, help_text="nobody approved it in time")
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=20, default="")
    verdict_text = models.TextField(default="")
    verdict_nonce = models.BinaryField(default=b"")

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "expires_at"], name="emergencies_of_a_person"),
            models.Index(
                fields=["asked_at"],
                condition=models.Q(approved_at__isnull=True, refused_at__isnull=True),
                name="emergencies_undecided",
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(reviewed_at__isnull=True),
                name="emergencies_unreviewed",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(why__in=[why.value for why in Why]), name="why_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["", *(verdict.value for verdict in Verdict)]),
                name="verdict_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"break-glass {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Whether it gives access now."""
        return self.opened_at is not None and (self.expires_at or now) > now

    def waits(self, now: datetime) -> bool:
        """Whether somebody may still decide it."""
        undecided = self.approved_at is None and self.refused_at is None
        return undecided and self.asked_at > now - EMERGENCY_DECIDED_WITHIN


class NoticesRead(models.Model):
    """Up to when a privacy officer has read the notices."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notices read by {self.user_id}"


class Review(models.Model):
    """A campaign in which leads confirm who is in their matter; what is not confirmed ends."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at"]

    def __str__(self) -> str:
        return f"review {self.pk}"


class ReviewItem(models.Model):
    """One place in a matter to be confirmed or removed. It stays when the place has gone."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="items")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    level = models.CharField(max_length=10)
    decision = models.CharField(max_length=10, default="")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["review", "matter", "user"], name="one_item_for_a_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.matter_id}"
