"""Whose work a version is. PostgreSQL decides; a message from the broker only says "look"."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from assistant.accounts.sealed import unseal
from assistant.documents.models import IngestWork
from assistant.workers import gone, this_worker

LEASE = timedelta(minutes=2)
ATTEMPTS = 3
"""A file that ended its worker this often is not tried again."""


def claim(version_id: UUID) -> str | None:
    """Take the work on a version, if nobody has it; returns the token it is done with."""
    now = timezone.now()
    work = IngestWork.objects.filter(version_id=version_id).first()
    if work is None:
        return None
    taken = (
        IngestWork.objects.filter(version_id=version_id, attempts=work.attempts)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(worker=this_worker(), lease_until=now + LEASE, attempts=work.attempts + 1)
    )
    return unseal(work.sealed_token) if taken else None


def renew(version_id: UUID) -> bool:
    """Show a sign of life; returns False when the work is no longer ours."""
    return bool(
        IngestWork.objects.filter(version_id=version_id, worker=this_worker()).update(
            lease_until=timezone.now() + LEASE
        )
    )


def attempts_of(version_id: UUID) -> int:
    """How often the work was taken up."""
    work = IngestWork.objects.filter(version_id=version_id).first()
    return work.attempts if work else 0


def let_go(version_id: UUID) -> None:
    """Leave the work for the next try."""
    IngestWork.objects.filter(version_id=version_id).update(lease_until=None, worker="")


def done(version_id: UUID) -> None:
    """There is nothing left to do on this version."""
    IngestWork.objects.filter(version_id=version_id).delete()


def waiting(*, older_than: timedelta) -> list[UUID]:
    """Work that nobody has: never taken up for this long, or left by a worker that died."""
    now = timezone.now()
    return list(
        IngestWork.objects.filter(
            Q(lease_until__isnull=True, created_at__lt=now - older_than) | Q(lease_until__lt=now)
        )
        .order_by("created_at")
        .values_list("version_id", flat=True)[:100]
    )


def free_dead() -> None:
    """End the leases of workers that are no more."""
    held = IngestWork.objects.exclude(worker="").values_list("worker", flat=True)
    IngestWork.objects.filter(worker__in=gone(held)).update(
        lease_until=timezone.now(), worker=""
    )
