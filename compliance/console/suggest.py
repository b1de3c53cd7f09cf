"""What may stand next in a search, for somebody who types it. It tells names, never events."""

from dataclasses import asdict, dataclass

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q

from compliance.console.search import NONE, QUALIFIERS, Term
from compliance.events import CATALOGUE, Outcome

MOST = 8

_HELP = {
    "actor": "who did it: a name, or none for the system",
    "action": "what was done, like document.opened or document",
    "object": "what it was done to, by id",
    "matter": "in which matter, by reference or id",
    "outcome": "how it ended",
    "before": "until a day, not included",
    "after": "from a day on",
}
_TIMES = {
    "24h": "a day ago",
    "7d": "a week ago",
    "30d": "thirty days ago",
    "365d": "a year ago",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What is put in the place of the term being typed, and what it means."""

    text: str
    says: str


def suggestions(typed: str) -> list[dict[str, str]]:
    """Up to MOST ways to go on with a term; empty when there is nothing to suggest."""
    minus = "-" if typed.startswith("-") else ""
    key, colon, value = typed.removeprefix("-").partition(":")
    if not colon:
        found = [
            Suggestion(text=f"{minus}{name}:", says=_HELP[name])
            for name in QUALIFIERS
            if name.startswith(key.lower()) and not (minus and name in ("before", "after"))
        ]
    else:
        found = [
            Suggestion(text=str(Term(excluded=bool(minus), key=key, value=word)), says=says)
            for word, says in _values(key, value.strip('"'))
        ]
    return [asdict(one) for one in found[:MOST]]


def _values(key: str, begun: str) -> list[tuple[str, str]]:
    if key == "actor":
        return _people(begun)
    if key == "matter":
        return _matters(begun)
    if key == "action":
        return _actions(begun.lower())
    if key == "outcome":
        return [(one, "") for one in Outcome if one.startswith(begun.lower())]
    if key in ("after", "before"):
        return [(word, says) for word, says in _TIMES.items() if word.startswith(begun)]
    return []


def _people(begun: str) -> list[tuple[str, str]]:
    named = Q(username__istartswith=begun) | Q(display_name__icontains=begun)
    found = get_user_model().objects.filter(named).order_by("display_name")
    people = list(found.values_list("username", "display_name")[:MOST])
    return [*people, *([(NONE, "the system")] if NONE.startswith(begun.lower()) else [])]


def _matters(begun: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reference FROM auth.references_like(%s)", [begun])
        return [(reference, "") for (reference,) in cursor.fetchall()]


def _actions(begun: str) -> list[tuple[str, str]]:
    areas = {name.partition(".")[0] for name in CATALOGUE}
    whole = [(area, f"everything about {area}") for area in sorted(areas) if area.startswith(begun)]
    named = [(name, "") for name in sorted(CATALOGUE) if begun in name]
    return [*(whole if begun and "." not in begun else []), *named]
