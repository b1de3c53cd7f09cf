"""Administrators' verbs: making accounts, giving roles, closing accounts. Blind to content."""

import re
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from assistant.accounts import factors, sessions, signin
from assistant.accounts.models import Clearance, Role, Session, User
from assistant.accounts.recovery import grouped_letters
from compliance import log
from compliance.events import (
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    Context,
    PasswordChanged,
    ReadingSet,
    RolesChanged,
)

GIVE_ACCESS = frozenset({Role.ADMINISTRATOR, Role.KNOWLEDGE_MANAGER, Role.PRIVACY_OFFICER})
KEEP_THE_RECORD = frozenset({Role.AUDITOR})
"""Whoever gives access, to accounts, matters or past barriers, does not keep the record of it."""

LONGEST_DEFERRAL_DAYS = 30
PURPOSE = re.compile(r"[a-z_]{2,40}")


def everyone() -> list[User]:
    """All accounts, by name."""
    return list(User.objects.order_by("display_name", "username"))


def person(public_id: UUID) -> User:
    """The account of this id; raises User.DoesNotExist."""
    return User.objects.get(public_id=public_id)


def new_password() -> str:
    """A password to hand over once: four groups of letters and digits, 80 bits."""
    return grouped_letters()


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
    if Role.ADMINISTRATOR in added and _is_in_a_matter(user):
        raise ValidationError(
            f"{user.display_name} is in a matter, and an administrator is in none. "
            "Make a second account for administration."
        )
    log.append(
        RolesChanged(object=user.public_id, added=added, removed=removed), context=record
    )
    user.roles = chosen
    user.save(update_fields=["roles"])


@transaction.atomic
def set_reading(
    record: Context, user: User, *, clearance: Clearance, purposes: Iterable[str]
) -> None:
    """Say up to which level somebody reads, and for which purposes (none named: for any).

    Holds from their next query on. Raises ValidationError for purposes in no form.
    """
    words = sorted({word.strip().lower() for word in purposes if word.strip()})
    if not all(PURPOSE.fullmatch(word) for word in words):
        raise ValidationError(
            "A purpose is a word of small letters, with _ where it has several: deal_team."
        )
    log.append(
        ReadingSet(object=user.public_id, clearance=clearance.value, purposes=tuple(words)),
        context=record,
    )
    user.clearance, user.purposes = clearance, words
    user.save(update_fields=["clearance", "purposes"])


@transaction.atomic
def set_active(record: Context, user: User, *, active: bool) -> None:
    """Close an account with all its sessions, or open it again."""
    if active:
        log.append(AccountEnabled(object=user.public_id), context=record)
    else:
        ended = len(signin.sessions_of(user))
        log.append(
            AccountDisabled(object=user.public_id, sessions_ended=ended), context=record
        )
        signin.end_all_sessions(user)
    user.is_active = active
    user.save(update_fields=["is_active"])


@transaction.atomic
def reset_password(record: Context, user: User) -> str:
    """Set a new password, to be changed at the next sign-in; returns it to be handed over."""
    password = new_password()
    ended = len(signin.sessions_of(user))
    log.append(PasswordChanged(object=user.public_id, sessions_ended=ended), context=record)
    user.must_change_password = True
    user.save(update_fields=["must_change_password"])
    signin.end_all_sessions(user)
    signin.set_password(user, password)
    return password


def end_sessions(record: Context, user: User) -> int:
    """End every session of a person; returns how many. Each end is an event."""
    rows = Session.objects.filter(user=user)
    return sum(sessions.end(row, reason="administrator", record=record) for row in rows)


def reset_second_factors(record: Context, user: User) -> None:
    """Take a person's second factors away and sign them out: they set up new ones next time."""
    factors.reset(record, user)
    end_sessions(record, user)


def defer_second_factor(record: Context, user: User, *, days: int) -> None:
    """Let a person sign in without a second factor for some days; 0 ends that at once.

    Raises ValidationError when it is for too long.
    """
    if not 0 <= days <= LONGEST_DEFERRAL_DAYS:
        raise ValidationError(f"Give a number of days from 0 to {LONGEST_DEFERRAL_DAYS}.")
    until = timezone.now() + timedelta(days=days) if days else None
    factors.defer(record, user, until=until)


def _is_in_a_matter(user: User) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select auth.is_in_a_matter(%s)", [user.pk])
        return bool(cursor.fetchone()[0])


def _checked_roles(roles: Iterable[str]) -> list[str]:
    try:
        chosen = sorted({Role(role) for role in roles})
    except ValueError as error:
        raise ValidationError(f"There is no role called that: {error}.") from error
    held = frozenset(chosen)
    if held & GIVE_ACCESS and held & KEEP_THE_RECORD:
        raise ValidationError(
            "Nobody can be auditor and administrator, knowledge manager or privacy officer at "
            "once: who gives access must not keep the record of it."
        )
    if Role.ADMINISTRATOR in held and len(held) > 1:
        raise ValidationError(
            "An administrator's account holds no other role. Make a second account for the rest."
        )
    return [role.value for role in chosen]
