"""Matters and their members. Who may see a row is decided by the database (see migrations)."""

import uuid
from enum import StrEnum
from typing import ClassVar

from django.db import models

from assistant.accounts.models import User


class Level(StrEnum):
    """What a member may do in a matter. A lead also says who else is a member."""

    LEAD = "lead"
    MEMBER = "member"


class Matter(models.Model):
    """A case, a patient programme, a deal: the unit in which documents are shared and kept apart.

    `acl_group` is given by the database when the row is made; rows of every content table carry it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=60, default="")
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


class Wall(models.Model):
    """Keeps a person out of a matter, whatever else lets them in, until it is lifted.

    Only the operator on the host reads and writes walls (see `walls`). The nonces open the
    commitments to the reasons that the record holds.
    """

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="walls")
    user = models.ForeignKey(User, models.CASCADE, related_name="walls")
    reason = models.TextField()
    reason_nonce = models.BinaryField()
    raised_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField(auto_now_add=True)
    lift_reason = models.TextField(default="")
    lift_nonce = models.BinaryField(default=b"")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["matter", "user"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_standing_wall",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} apart from {self.matter_id}"
