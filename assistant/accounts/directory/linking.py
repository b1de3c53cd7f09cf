"""What administrators see and do of identities elsewhere: list them, join them, part them."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from assistant.accounts.directory import accounts
from assistant.accounts.directory.accounts import SIGNIN
from assistant.accounts.directory.link import LONGEST_SUBJECT
from assistant.accounts.models import LinkedIdentity, Stranger, User
from compliance.events import Context

SHOWN = 500


def identities() -> list[LinkedIdentity]:
    """Identities elsewhere with the accounts that they open, by the account's name."""
    found = LinkedIdentity.objects.using(SIGNIN).select_related("user")
    return list(found.order_by("user__display_name", "issuer")[:SHOWN])


def strangers() -> list[Stranger]:
    """People whom a provider has proven and nobody here knows, the latest first."""
    return list(Stranger.objects.using(SIGNIN).order_by("-seen_at")[:SHOWN])


def link_stranger(record: Context, reference: UUID, username: str) -> User:
    """Let somebody whom a provider has proven open the account of this name.

    Raises ValidationError with a sentence.
    """
    stranger = Stranger.objects.using(SIGNIN).filter(reference=reference).first()
    if stranger is None:
        raise ValidationError("Nobody with that reference waits to be linked any more.")
    user = _account(username)
    _link(record, user, issuer=stranger.issuer, subject=stranger.subject, way=stranger.way)
    stranger.delete(using=SIGNIN)
    return user


def link_by_hand(record: Context, username: str, *, issuer: str, subject: str) -> User:
    """Let the person whom `issuer` knows as `subject` open the account of this name.

    Raises ValidationError with a sentence.
    """
    issuer, subject = issuer.strip(), subject.strip()
    if not issuer or not subject or max(len(issuer), len(subject)) > LONGEST_SUBJECT:
        raise ValidationError("Give the issuer and the subject, each of 255 characters at most.")
    user = _account(username)
    _link(record, user, issuer=issuer, subject=subject, way="administrator")
    return user


def unlink(record: Context, identity_id: int) -> None:
    """Let an identity elsewhere open nothing here any more; its person's sessions end."""
    with transaction.atomic(using=SIGNIN):
        found = LinkedIdentity.objects.using(SIGNIN).select_related("user")
        identity = found.filter(pk=identity_id).first()
        if identity is not None:
            accounts.unlink(record, identity)


def _account(username: str) -> User:
    user = User.objects.using(SIGNIN).filter(username__iexact=username.strip()).first()
    if user is None:
        raise ValidationError(f"There is no account called {username.strip() or 'that'}.")
    return user


def _link(record: Context, user: User, *, issuer: str, subject: str, way: str) -> None:
    try:
        with transaction.atomic(using=SIGNIN):
            accounts.link(record, user, issuer=issuer, subject=subject, way=way)
    except IntegrityError as error:
        raise ValidationError("That identity opens an account already.") from error
