"""From what a provider says of somebody to an account here.

An identity is an issuer and a subject, never a name: names are given anew, and anybody may be
called like an administrator. `person_for` finds the account, makes it, or refuses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.accounts.directory import accounts
from assistant.accounts.directory.accounts import LONGEST_NAME, SIGNIN
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.models import LinkedIdentity, Role, Stranger, User
from assistant.config import Config
from compliance.events import Context, SignInFailure

LONGEST_SUBJECT = 255
STRANGERS_KEPT = timedelta(days=7)


class Way(StrEnum):
    """How somebody's identity is proven elsewhere."""

    OIDC = "oidc"
    SAML = "saml"
    LDAP = "ldap"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a provider has proven of somebody. `groups` is None when it says nothing of them."""

    way: Way
    issuer: str
    subject: str
    username: str = ""
    display_name: str = ""
    groups: tuple[str, ...] | None = None
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this installation makes of a directory's people."""

    creates: bool
    roles: tuple[tuple[str, Role], ...]
    second_factor: frozenset[str]

    def roles_for(self, groups: Iterable[str]) -> frozenset[Role]:
        """The roles of a member of these groups; raises SignOnRefused when they conflict."""
        names = {group.casefold() for group in groups}
        return accounts.checked(role for group, role in self.roles if group.casefold() in names)

    def factor_done(self, claimed: Claimed) -> bool:
        """Whether the provider asked for a second factor that counts here."""
        return not self.second_factor.isdisjoint(claimed.factors)


def rules_of(config: Config) -> Rules:
    """The rules in the configuration; raises ValueError for a role that there is not."""
    pairs = [pair.rpartition("=") for pair in config.sign_on_roles.split(";") if pair.strip()]
    factors = config.sign_on_second_factor.split(",")
    return Rules(
        creates=config.sign_on_creates,
        roles=tuple((group.strip(), Role(role.strip())) for group, _, role in pairs),
        second_factor=frozenset(factor.strip() for factor in factors if factor.strip()),
    )


def person_for(record: Context, claimed: Claimed, rules: Rules) -> User:
    """The account of whom a provider has proven, with the roles their groups give.

    Raises SignOnRefused: not linked, closed, a name that is taken, no role, roles that conflict.
    Somebody who is not linked is remembered for a week, for an administrator to link.
    """
    if not claimed.subject or max(len(claimed.subject), len(claimed.issuer)) > LONGEST_SUBJECT:
        raise SignOnRefused(SignInFailure.NO_SUBJECT)
    try:
        return _person_for(record, claimed, rules)
    except SignOnRefused as refused:
        if refused.reason in (SignInFailure.NOT_LINKED, SignInFailure.NAME_TAKEN):
            _remember(record, claimed)
        raise


def _person_for(record: Context, claimed: Claimed, rules: Rules) -> User:
    try:
        with transaction.atomic(using=SIGNIN):
            user = _known(claimed) or _newcomer(record, claimed, rules)
            if rules.roles and claimed.groups is not None:
                accounts.set_roles(record, user, _roles(claimed, rules))
    except IntegrityError as error:
        # Two first sign-ins at once: the other one made the account.
        raise SignOnRefused(SignInFailure.NAME_TAKEN) from error
    return User.objects.get(pk=user.pk)


def _remember(record: Context, claimed: Claimed) -> None:
    strangers = Stranger.objects.using(SIGNIN)
    now = timezone.now()
    strangers.filter(seen_at__lt=now - STRANGERS_KEPT).delete()
    strangers.update_or_create(
        issuer=claimed.issuer,
        subject=claimed.subject,
        defaults={
            "reference": record.request or uuid4(),
            "way": claimed.way.value,
            "name": (claimed.username or claimed.display_name)[:LONGEST_NAME],
            "seen_at": now,
        },
    )


def _known(claimed: Claimed) -> User | None:
    identity = (
        LinkedIdentity.objects.using(SIGNIN)
        .select_related("user")
        .filter(issuer=claimed.issuer, subject=claimed.subject)
        .first()
    )
    if identity is None:
        return None
    if not identity.user.is_active:
        raise SignOnRefused(SignInFailure.DISABLED, account=identity.user.public_id)
    _mark_used(identity)
    return identity.user


def _newcomer(record: Context, claimed: Claimed, rules: Rules) -> User:
    name = claimed.username.strip()
    if not rules.creates or not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise SignOnRefused(SignInFailure.NOT_LINKED)
    if accounts.is_taken(name):
        raise SignOnRefused(SignInFailure.NAME_TAKEN)
    user = accounts.create(
        record,
        username=name,
        display_name=claimed.display_name.strip()[:LONGEST_NAME],
        roles=_roles(claimed, rules),
    )
    identity = accounts.link(
        record, user, issuer=claimed.issuer, subject=claimed.subject, way=claimed.way.value
    )
    _mark_used(identity)
    return user


def _mark_used(identity: LinkedIdentity) -> None:
    identity.last_used_at = timezone.now()
    identity.save(using=SIGNIN, update_fields=["last_used_at"])


def _roles(claimed: Claimed, rules: Rules) -> frozenset[Role]:
    roles = rules.roles_for(claimed.groups or ())
    if not roles:
        raise SignOnRefused(SignInFailure.NO_ROLE)
    return roles
