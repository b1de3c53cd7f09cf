"""Who somebody is elsewhere, and what a sign-in by way of a provider leaves behind.

All of it is read and written by the sign-in connection alone. What came from outside and opens
something (states, tickets, tokens) is stored as its SHA-256.
"""

import uuid
from typing import ClassVar

from django.db import models


class LinkedIdentity(models.Model):
    """One person, as one issuer knows them. Names change and are given anew; a subject is not."""

    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="identities")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_a_subject"),
        ]

    def __str__(self) -> str:
        return f"identity {self.pk} of {self.user_id}"


class Stranger(models.Model):
    """Somebody a provider has proven who has no account here, for an administrator to link."""

    reference = models.UUIDField(primary_key=True, default=uuid.uuid4)
    way = models.CharField(max_length=20)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=150, default="")
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_stranger_a_subject"),
        ]

    def __str__(self) -> str:
        return f"stranger {self.reference}"


class Provisioned(models.Model):
    """A person whom SCIM keeps. Nobody else can be seen or changed through it."""

    user = models.OneToOneField("accounts.User", models.CASCADE, primary_key=True)
    external_id = models.CharField(max_length=255, null=True, unique=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"provisioned {self.user_id}"


class SignOnAttempt(models.Model):
    """A sign-in that was begun in one browser and waits for a provider's answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    way = models.CharField(max_length=10)
    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64, default="")
    verifier = models.CharField(max_length=128, default="")
    wanted = models.CharField(max_length=500, default="")
    expires_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)
    claimed = models.JSONField(null=True)
    ticket_hash = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001

    def __str__(self) -> str:
        return f"attempt {self.id}"


class AssertionSeen(models.Model):
    """An assertion that was accepted once, until it would have expired anyway."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"assertion {self.digest[:8]}"


class NameLock(models.Model):
    """Wrong passwords for one name in the directory, which may have no account here."""

    name_hash = models.CharField(max_length=64, primary_key=True)
    failed_attempts = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    def __str__(self) -> str:
        return f"lock {self.name_hash[:8]}"


class ScimToken(models.Model):
    """What a directory shows to provision people here. The token itself is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
