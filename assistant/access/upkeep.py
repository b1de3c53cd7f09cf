"""What only the operator on the host may ask, as the role that owns the tables."""

from uuid import UUID

from assistant.access.errors import Missing
from assistant.access.models import Level, Membership

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
