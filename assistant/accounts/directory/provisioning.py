"""People and groups that the house's directory keeps here: the verbs behind SCIM.

    ProvisioningError
    ├── Taken       the name, or the identity, belongs to another account
    ├── Unknown     there is nothing of this id that the directory keeps
    └── Conflict    what was asked would give roles that nobody may have together

All of it happens on the sign-in connection, in the caller's transaction there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts.directory import accounts
from assistant.accounts.directory.accounts import SIGNIN
from assistant.accounts.models import LinkedIdentity, Provisioned, User
from assistant.config import get_config
from compliance.events import Context

OWN_ISSUER = "scim"
"""Links people by their `externalId` where no issuer is configured; nobody signs in by it."""


class ProvisioningError(Exception):
    """The directory asked for something that cannot be; the message says why."""


class Taken(ProvisioningError):
    """The name or the identity belongs to another account."""


class Unknown(ProvisioningError):
    """There is nothing of this id that the directory keeps."""


class Conflict(ProvisioningError):
    """Roles would come together that nobody may have together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A person as the directory wants them to be."""

    username: str
    display_name: str = ""
    external_id: str | None = None
    active: bool = True


def people() -> QuerySet[Provisioned]:
    """Everybody whom the directory keeps, the oldest first."""
    kept = Provisioned.objects.using(SIGNIN).select_related("user")
    return kept.prefetch_related("user__group_places__group").order_by("user_id")


def person(public_id: str) -> Provisioned:
    """One of them by the id that SCIM knows them by; raises Unknown."""
    found = people().filter(user__public_id=uuid_of(public_id)).first()
    if found is None:
        raise Unknown("There is no such person, or the directory does not keep them.")
    return found


def add(record: Context, wanted: Wanted) -> Provisioned:
    """Take somebody in: an account of theirs that is linked already, or a new one.

    Raises Taken.
    """
    user = _linked(wanted.external_id)
    if user is not None and not Provisioned.objects.using(SIGNIN).filter(user=user).exists():
        kept = Provisioned.objects.using(SIGNIN).create(user=user, external_id=wanted.external_id)
        return change(record, kept, wanted)
    if user is not None or accounts.is_taken(wanted.username):
        raise Taken(f"There is an account called {wanted.username} already, or one with this id.")
    user = accounts.create(
        record,
        username=wanted.username,
        display_name=wanted.display_name,
        roles=(),
        active=wanted.active,
    )
    _follow_identity(record, user, before=None, after=wanted.external_id)
    Provisioned.objects.using(SIGNIN).create(user=user, external_id=wanted.external_id)
    return person(str(user.public_id))


def change(record: Context, kept: Provisioned, wanted: Wanted) -> Provisioned:
    """Make somebody as the directory wants them; an account that closes ends all it has open.

    Raises Taken.
    """
    user = kept.user
    if accounts.is_taken(wanted.username, by_other_than=user):
        raise Taken(f"There is an account called {wanted.username} already.")
    display_name = wanted.display_name or wanted.username
    accounts.rename(record, user, username=wanted.username, display_name=display_name)
    if wanted.external_id != kept.external_id:
        _follow_identity(record, user, before=kept.external_id, after=wanted.external_id)
        kept.external_id = wanted.external_id
    kept.changed_at = timezone.now()
    kept.save(using=SIGNIN)
    accounts.set_active(record, user, active=wanted.active)
    return person(str(user.public_id))


def remove(record: Context, kept: Provisioned) -> None:
    """Let somebody go: the account is closed for good, unlinked, and kept for the record alone."""
    user = kept.user
    accounts.set_active(record, user, active=False)
    _follow_identity(record, user, before=kept.external_id, after=None)
    kept.delete(using=SIGNIN)


def _linked(external_id: str | None) -> User | None:
    if external_id is None:
        return None
    identities = LinkedIdentity.objects.using(SIGNIN).select_related("user")
    identity = identities.filter(issuer=_issuer(), subject=external_id).first()
    return identity.user if identity else None


def _follow_identity(
    record: Context, user: User, *, before: str | None, after: str | None
) -> None:
    """Whoever has this `externalId` at the provider signs in as this person, and nobody else."""
    if after is not None and after == before:
        return
    if before is not None:
        identities = LinkedIdentity.objects.using(SIGNIN).filter(user=user, issuer=_issuer())
        for identity in identities.filter(subject=before):
            accounts.unlink(record, identity)
    if after is None or _linked(after) == user:
        return
    try:
        with transaction.atomic(using=SIGNIN):
            accounts.link(record, user, issuer=_issuer(), subject=after, way="scim")
    except IntegrityError as error:
        raise Taken("That externalId belongs to another account.") from error


def _issuer() -> str:
    return get_config().scim_issuer or OWN_ISSUER


def uuid_of(text: str) -> UUID:
    """The id in an address; raises Unknown for what is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Unknown("There is nothing of this id.") from error


def users_of(public_ids: Iterable[str]) -> list[User]:
    """The people of these ids, all of them kept by the directory; raises Unknown."""
    wanted = {uuid_of(public_id) for public_id in public_ids}
    found = User.objects.using(SIGNIN).filter(public_id__in=wanted, provisioned__isnull=False)
    users = list(found)
    if len(users) != len(wanted):
        raise Unknown("A member is not among the people whom the directory keeps.")
    return users
