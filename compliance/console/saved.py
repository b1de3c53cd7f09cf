"""Searches that are kept: for oneself, or for everybody of a role."""

from uuid import UUID, uuid4

from compliance import log
from compliance.console.readers import SHARED_WITH
from compliance.events import Context, SearchRemoved, SearchSaved
from compliance.models import SavedSearch

LONGEST_NAME = 80
LONGEST_QUERY = 2_400
MOST = 200


class NotSaved(ValueError):
    """The search cannot be saved like this; the message is for whoever wrote it."""


def save(record: Context, *, name: str, query: str, shared_with: str = "") -> SavedSearch:
    """Keep a search by a name. Raises NotSaved."""
    name = " ".join(name.replace("\x00", " ").split())
    if not name or len(name) > LONGEST_NAME:
        raise NotSaved(f"Give the search a name of 1 to {LONGEST_NAME} characters.")
    if shared_with and shared_with not in SHARED_WITH:
        raise NotSaved("Share the search with auditors, with privacy officers, or with nobody.")
    if record.actor is None or len(query) > LONGEST_QUERY:
        raise NotSaved("The search is too long to be saved. Shorten it.")
    if SavedSearch.objects.filter(owner=record.actor).count() >= MOST:
        raise NotSaved(f"You have {MOST} saved searches. Remove one first.")
    commitment = log.commitment(name)
    kept = SavedSearch(
        id=uuid4(),
        owner=record.actor,
        name=name,
        nonce=commitment.nonce,
        query=query,
        shared_with=shared_with,
    )
    event = SearchSaved(object=kept.id, name=commitment.digest, shared_with=shared_with or None)
    log.append(event, context=record)
    kept.save(force_insert=True)
    return kept


def remove(record: Context, search_id: UUID) -> bool:
    """Forget a search of one's own; False when there is none."""
    own = SavedSearch.objects.filter(pk=search_id)
    if record.actor is None or not own.filter(owner=record.actor).exists():
        return False
    log.append(SearchRemoved(object=search_id), context=record)
    own.delete()
    return True


def mine_and_shared(person: UUID | None) -> tuple[list[SavedSearch], list[SavedSearch]]:
    """The searches of a person, and those that others share with them."""
    found = list(SavedSearch.objects.all()[: 2 * MOST])
    mine = [search for search in found if search.owner == person]
    return mine, [search for search in found if search.owner != person]
