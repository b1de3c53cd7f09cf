"""People, their credentials, their second factors and their sessions.

Credentials and second factors stand in tables that the application's database role cannot read:
only the sign-in connection can. Sessions are stored under the hash of the cookie's key, so that
reading the table gives nobody a session.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import IntegerChoices
from django.db.models.functions import Lower
from django.utils.crypto import get_random_string, salted_hmac

from assistant.accounts.directory.models import AssertionSeen as AssertionSeen
from assistant.accounts.directory.models import LinkedIdentity as LinkedIdentity
from assistant.accounts.directory.models import NameLock as NameLock
from assistant.accounts.directory.models import Provisioned as Provisioned
from assistant.accounts.directory.models import ScimToken as ScimToken
from assistant.accounts.directory.models import SignOnAttempt as SignOnAttempt
from assistant.accounts.directory.models import Stranger as Stranger


class Role(StrEnum):
    """What kind of action somebody may take. Content is reached by membership, never by role."""

    STAFF = "staff"
    KNOWLEDGE_MANAGER = "knowledge_manager"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"


class Clearance(IntegerChoices):
    """How far a person's reading goes, and how a document is classified; more includes less."""

    INTERNAL = 0, "Internal"
    CONFIDENTIAL = 1, "Confidential"
    SECRET = 2, "Strictly confidential"


ROLE_LABELS = {
    Role.STAFF: "Staff",
    Role.KNOWLEDGE_MANAGER: "Knowledge manager",
    Role.AUDITOR: "Auditor",
    Role.PRIVACY_OFFICER: "Privacy officer",
    Role.ADMINISTRATOR: "Administrator",
}


def new_session_secret() -> str:
    return get_random_string(32)


class People(BaseUserManager["User"]):
    """Finds people by the name they sign in with."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser):
    """A person. `public_id` is how the record and addresses name them."""

    password = None  # type: ignore[assignment]  # credentials have their own table and reader
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    username = models.CharField(max_length=150, unique=True)
    display_name = models.CharField(max_length=150)
    roles = ArrayField(models.CharField(max_length=40), default=list)
    clearance = models.PositiveSmallIntegerField(
        choices=Clearance.choices, default=Clearance.CONFIDENTIAL
    )
    purposes: Any = ArrayField(
        models.CharField(max_length=40), default=list, help_text="may be chosen; empty: any"
    )
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    # Until then signing in asks for no second factor. Only the sign-in role changes it.
    second_factor_due_at = models.DateTimeField(null=True)
    session_secret = models.CharField(max_length=64, default=new_session_secret)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[People] = People()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("username"), name="username_any_case"),
            models.CheckConstraint(
                condition=~models.Q(roles__contains=[Role.ADMINISTRATOR.value])
                | models.Q(roles=[Role.ADMINISTRATOR.value]),
                name="an_administrator_is_nothing_else",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    roles__contains=[Role.AUDITOR.value, Role.KNOWLEDGE_MANAGER.value]
                ),
                name="an_auditor_opens_no_matter",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    roles__contains=[Role.AUDITOR.value, Role.PRIVACY_OFFICER.value]
                ),
                name="an_auditor_opens_and_closes_nothing",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def has_role(self, role: Role) -> bool:
        return role.value in self.roles

    def may_defer_second_factor(self, now: datetime) -> bool:
        """Whether this person may still sign in without a second factor."""
        return self.second_factor_due_at is not None and self.second_factor_due_at > now

    @property
    def role_labels(self) -> list[str]:
        return [ROLE_LABELS[Role(role)] for role in self.roles]

    def get_session_auth_hash(self) -> str:
        """Changes with the password, which ends every other session of this person."""
        return salted_hmac("cloister.session", self.session_secret, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Any:
        return iter(())


class Credential(models.Model):
    """A password and the state of its lock. Readable by the sign-in connection alone."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True)
    password = models.CharField(max_length=200)
    failed_attempts = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"credential of {self.user_id}"

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and self.locked_until > now


class Authenticator(models.Model):
    """An authenticator app (TOTP). It counts once a code of it was given: `confirmed_at`.

    `last_step` is the newest time step whose code was used; no older code is taken again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    sealed_secret = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed_at__isnull=False),
                name="one_authenticator_app",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed_at__isnull=True),
                name="one_authenticator_app_being_set_up",
            ),
        ]

    def __str__(self) -> str:
        return f"authenticator app of {self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential. It works at the host it was made at, `rp_id`, and nowhere else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    rp_id = models.CharField(max_length=255)
    credential_id = models.BinaryField(unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"passkey of {self.user_id}"


class RecoveryCode(models.Model):
    """One of ten codes that each stand in for a second factor once. Only its hash is kept.

    Codes count once their owner has shown that they have been written down: `confirmed_at`.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=100)
    made_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Session(models.Model):
    """A browser that is signed in. `session_key` is the SHA-256 of the cookie's key, in hex.

    While `signed_in_at` is null the person has given a password and no second factor: nothing is
    open to them. Only the sign-in role writes `signed_in_at`, `stepped_up_at` and `factor`, the
    second factor that was given ("" for none).
    """

    session_key = models.CharField(max_length=64, primary_key=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True)
    session_data = models.TextField()
    device = models.CharField(max_length=120, default="")
    factor = models.CharField(max_length=20, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    signed_in_at = models.DateTimeField(null=True)
    stepped_up_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(auto_now_add=True)
    expire_date = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"session {self.public_id}"


class Group(models.Model):
    """People who belong together in the house's directory. SCIM keeps it; the application reads."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=255, null=True, unique=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """Somebody's place in a group."""

    group = models.ForeignKey(Group, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="group_places")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "user"], name="one_place_in_a_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
