"""What only the operator on the host may ask, as the role that owns the tables."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import Emergency, Level, Membership
from assistant.accounts.models import User
from compliance import log
from compliance.events import Context, EmergencyEnded

OWNER = "owner"


def lead_of(matter: str) -> str:
    """The name of somebody who leads a matter (reference or id); raises Missing.

    Needs the owner's own role: where owner and application share one, say who with `--as`.
    """
    found = Membership.objects.using(OWNER).filter(level=Level.LEAD).select_related("user")
    try:
        found = found.filter(matter_id=UUID(matter))
    except ValueError:
        found = found.filter(matter__reference__iexact=matter)
    place = found.order_by("added_at").first()
    if place is None:
        raise Missing
    username: str = place.user.username
    return username


def emergencies() -> list[Emergency]:
    """Every break-glass there was, the newest first."""
    return list(Emergency.objects.using(OWNER).select_related("person").order_by("-asked_at"))


def end_emergency(emergency_id: UUID, *, by: User | None) -> Emergency:
    """Close a break-glass before its time; raises Missing, ValidationError when it is not open."""
    with transaction.atomic(using=OWNER):
        found = Emergency.objects.using(OWNER).select_for_update(of=("self",))
        emergency = found.select_related("person").filter(pk=emergency_id).first()
        if emergency is None:
            raise Missing
        now = timezone.now()
        if not emergency.is_open(now):
            raise ValidationError("This access is not open.")
        log.append(
            EmergencyEnded(object=emergency.person.public_id, emergency=emergency.pk, way="early"),
            context=Context(actor=by.public_id if by else None, matter=emergency.matter_id),
            using=OWNER,
        )
        emergency.expires_at = emergency.ended_at = now
        emergency.save(using=OWNER, update_fields=["expires_at", "ended_at"])
        return emergency
