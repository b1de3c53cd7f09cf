"""Administrators' verbs: making accounts, giving roles, closing accounts. Blind to content."""

import secrets
from collections.abc import Iterable
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from assistant.accounts import signin
from assistant.accounts.models import Role, User
from compliance import log
from compliance.events import (
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    Context,
    PasswordChanged,
    RolesChanged,
)

NOT_TOGETHER = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
"""Whoever gives access must not be the one who reads the record of it."""


def everyone() -> list[User]:
    """All accounts, by name."""
    return list(User.objects.order_by("display_name", "username"))


def person(public_id: UUID) -> User:
    """The account of this id; raises User.DoesNotExist."""
    return User.objects.get(public_id=public_id)


def new_password() -> str:
    """A password to hand over once: four groups of letters and digits, 80 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


@transaction.atomic
def create_person(
    record: Context, *, username: str, display_name: str, roles: Iterable[str]
) -> tuple[User, str]:
    """Make an account; returns it and the password to hand over, which is shown once.

    Raises ValidationError when the name is taken or the roles do not go together.
    """
    chosen = _checked_roles(roles)
    username = username.strip()
    if not username or not display_name.strip():
        raise ValidationError("Give the person a name to sign in with and a name to show.")
    if User.objects.filter(username__iexact=username).exists():
        raise ValidationError(f"There is an account called {username} already.")
    user = User(
        username=username,
        display_name=display_name.strip(),
        roles=chosen,
        must_change_password=True,
    )
    log.append(AccountCreated(object=user.public_id, roles=tuple(chosen)), context=record)
    user.save()
    password = new_password()
    # Another connection stores the credential, and must find the account.
    transaction.on_commit(lambda: signin.set_password(user, password))
    return user, password


@transaction.atomic
def set_roles(record: Context, user: User, roles: Iterable[str]) -> None:
    """Give exactly these roles. Raises ValidationError when they do not go together."""
    chosen = _checked_roles(roles)
    added = tuple(sorted(set(chosen) - set(user.roles)))
    removed = tuple(sorted(set(user.roles) - set(chosen)))
    if not added and not removed:
        return
    log.append(
        RolesChanged(object=user.public_id, added=added, removed=removed), context=record
    )
    user.roles = chosen
    user.save(update_fields=["roles"])


@transaction.atomic
def set_active(record: Context, user: User, *, active: bool) -> None:
    """Close an account with all its sessions, or open it again."""
    if active:
        log.append(AccountEnabled(object=user.public_id), context=record)
    else:
        log.append(AccountDisabled(object=user.public_id), context=record)
        signin.end_all_sessions(user)
    user.is_active = active
    user.save(update_fields=["is_active"])


@transaction.atomic
def reset_password(record: Context, user: User) -> str:
    """Set a new password, to be changed at the next sign-in; returns it to be handed over."""
    password = new_password()
    log.append(PasswordChanged(object=user.public_id), context=record)
    user.must_change_password = True
    user.save(update_fields=["must_change_password"])
    signin.end_all_sessions(user)
    signin.set_password(user, password)
    return password


def _checked_roles(roles: Iterable[str]) -> list[str]:
    try:
        chosen = sorted({Role(role) for role in roles})
    except ValueError as error:
        raise ValidationError(f"There is no role called that: {error}.") from error
    if set(chosen) >= NOT_TOGETHER:
        raise ValidationError(
            "Nobody can be administrator and auditor at once: who gives access "
            "must not keep the record of it."
        )
    return [role.value for role in chosen]
