"""What every page knows of the person it is shown to."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from assistant.accounts.models import Role, User

THEMES = ("light", "dark")


def person(request: HttpRequest) -> dict[str, Any]:
    """The person signed in (or None), what the menu offers them, and the chosen appearance.

    The appearance comes from a cookie, so that a page is never first drawn in the wrong one.
    """
    user = getattr(request, "user", None)
    known = user if isinstance(user, User) and user.is_authenticated else None
    theme = request.COOKIES.get("theme", "")
    return {
        "person": known,
        "may_read_rules": known is not None
        and (known.has_role(Role.AUDITOR) or known.has_role(Role.PRIVACY_OFFICER)),
        "may_open_matters": known is not None and known.has_role(Role.KNOWLEDGE_MANAGER),
        "may_raise_barriers": known is not None and known.has_role(Role.PRIVACY_OFFICER),
        "purpose": _purpose(request),
        "may_administer": known is not None and known.has_role(Role.ADMINISTRATOR),
        "second_factor_due_at": _due(request, known),
        "theme": theme if theme in THEMES else "",
        "reference": getattr(request, "reference", ""),
    }


def _purpose(request: HttpRequest) -> str:
    """What the session was last said to be for, as people read it; it decides nothing."""
    session = getattr(request, "session", None)
    return str(session.get("purpose", "")) if session is not None else ""


def _due(request: HttpRequest, known: User | None) -> datetime | None:
    """From when on signing in asks for a second factor that this person has not set up."""
    row = getattr(getattr(request, "session", None), "row", None)
    if known is None or row is None or row.factor:
        return None
    return known.second_factor_due_at
