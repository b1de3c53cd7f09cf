"""Changes to accounts that come from the house's directory, each with its event.

Everything happens on the sign-in connection, in the caller's transaction there: account, link,
event, and the end of sessions stand or fall together.
"""

from collections.abc import Iterable

from django.db import connections

from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.models import LinkedIdentity, Role, Session, User
from assistant.accounts.people import GIVE_ACCESS, KEEP_THE_RECORD
from compliance import log
from compliance.events import (
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    AccountRenamed,
    Context,
    IdentityLinked,
    IdentityUnlinked,
    RolesChanged,
    SignInFailure,
)

SIGNIN = "signin"
LONGEST_NAME = 150


def is_taken(username: str, *, by_other_than: User | None = None) -> bool:
    """Whether an account has this name, in any case of its letters."""
    named = User.objects.using(SIGNIN).filter(username__iexact=username)
    if by_other_than is not None:
        named = named.exclude(pk=by_other_than.pk)
    return named.exists()


def create(
    record: Context, *, username: str, display_name: str, roles: Iterable[Role], active: bool = True
) -> User:
    """Make an account without a password. The caller has asked whether the name `is_taken`."""
    user = User(
        username=username,
        display_name=display_name or username,
        roles=sorted(role.value for role in roles),
        is_active=active,
    )
    created = AccountCreated(object=user.public_id, roles=tuple(user.roles))
    log.append(created, context=record, using=SIGNIN)
    user.save(using=SIGNIN)
    return user


def rename(record: Context, user: User, *, username: str, display_name: str) -> None:
    """Change what somebody is called."""
    if (username, display_name) == (user.username, user.display_name):
        return
    log.append(AccountRenamed(object=user.public_id), context=record, using=SIGNIN)
    user.username, user.display_name = username, display_name
    user.save(using=SIGNIN, update_fields=["username", "display_name"])


def set_roles(record: Context, user: User, roles: Iterable[Role]) -> None:
    """Give exactly these roles, which the caller has `checked`.

    Raises SignOnRefused when an administrator would be in a matter.
    """
    wanted = sorted(role.value for role in roles)
    added = tuple(sorted(set(wanted) - set(user.roles)))
    removed = tuple(sorted(set(user.roles) - set(wanted)))
    if not added and not removed:
        return
    if Role.ADMINISTRATOR.value in added and _is_in_a_matter(user):
        raise SignOnRefused(SignInFailure.ROLES_CONFLICT, account=user.public_id)
    changed = RolesChanged(object=user.public_id, added=added, removed=removed)
    log.append(changed, context=record, using=SIGNIN)
    user.roles = wanted
    user.save(using=SIGNIN, update_fields=["roles"])


def set_active(record: Context, user: User, *, active: bool) -> None:
    """Open an account again, or close it: sessions, identities and work under way end with it."""
    if user.is_active == active:
        return
    if active:
        log.append(AccountEnabled(object=user.public_id), context=record, using=SIGNIN)
    else:
        open_now = Session.objects.using(SIGNIN).filter(user=user)
        disabled = AccountDisabled(object=user.public_id, sessions_ended=open_now.count())
        log.append(disabled, context=record, using=SIGNIN)
        open_now.delete()
        close_identities(user)
    user.is_active = active
    user.save(using=SIGNIN, update_fields=["is_active"])


def close_identities(user: User) -> None:
    """From the next transaction on, nothing enters this person's identity."""
    with connections[SIGNIN].cursor() as cursor:
        cursor.execute("select auth.close_person(%s)", [user.pk])


def link(record: Context, user: User, *, issuer: str, subject: str, way: str) -> LinkedIdentity:
    """Join an account to somebody as an issuer knows them.

    Raises IntegrityError when that identity opens an account already.
    """
    identity = LinkedIdentity.objects.using(SIGNIN).create(
        issuer=issuer, subject=subject, user=user
    )
    linked = IdentityLinked(object=user.public_id, identity=identity.pk, way=way)
    log.append(linked, context=record, using=SIGNIN)
    return identity


def unlink(record: Context, identity: LinkedIdentity) -> None:
    """Let an identity elsewhere open nothing here any more, and end its person's sessions."""
    user = identity.user
    unlinked = IdentityUnlinked(object=user.public_id, identity=identity.pk)
    log.append(unlinked, context=record, using=SIGNIN)
    Session.objects.using(SIGNIN).filter(user=user).delete()
    close_identities(user)
    identity.delete(using=SIGNIN)


def checked(roles: Iterable[Role]) -> frozenset[Role]:
    """These roles, if one person may have them; raises SignOnRefused.

    Whoever gives access does not keep the record, and administers with an account of its own.
    """
    found = frozenset(roles)
    is_apart = not (found & GIVE_ACCESS and found & KEEP_THE_RECORD)
    if not is_apart or (Role.ADMINISTRATOR in found and len(found) > 1):
        raise SignOnRefused(SignInFailure.ROLES_CONFLICT)
    return found


def _is_in_a_matter(user: User) -> bool:
    with connections[SIGNIN].cursor() as cursor:
        cursor.execute("select auth.is_in_a_matter(%s)", [user.pk])
        return bool(cursor.fetchone()[0])
