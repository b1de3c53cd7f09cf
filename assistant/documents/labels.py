"""Labels: who of a matter's people may read a document, and for what purpose.

A classification asks for a clearance, purposes for a session that has chosen one of them, and a
restricted document is for those with a grant alone. Only leads label; what they set holds from the
next query on, for the document and all that was made of it.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q

from assistant.access.errors import Missing
from assistant.access.matters import purposes_in
from assistant.accounts.models import Clearance, Group, User
from assistant.documents.models import Document, DocumentGrant
from compliance import log
from compliance.events import Context, DocumentLabelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """All labels of a document. `people` and `groups` count where it is restricted."""

    classification: Clearance = Clearance.INTERNAL
    purposes: tuple[str, ...] = ()
    restricted: bool = False
    people: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()


def labels_of(document: Document) -> Labels:
    """The labels that a document has."""
    grants = list(document.grants.select_related("user", "group").order_by("pk"))
    return Labels(
        classification=Clearance(document.classification),
        purposes=tuple(document.purposes),
        restricted=document.is_restricted,
        people=tuple(grant.user for grant in grants if grant.user is not None),
        groups=tuple(grant.group for grant in grants if grant.group is not None),
    )


def set_labels(record: Context, document: Document, labels: Labels) -> None:
    """Give a document these labels and no others.

    Raises Missing for whoever does not lead its matter; ValidationError when the person would lose
    sight of it themself, and for purposes in no form.
    """
    purposes = purposes_in(labels.purposes)
    with transaction.atomic():
        log.append(
            DocumentLabelled(
                object=document.id,
                classification=labels.classification,
                purposes=purposes,
                restricted=labels.restricted,
                people=tuple(person.public_id for person in labels.people),
                groups=tuple(group.id for group in labels.groups),
            ),
            context=replace(record, matter=document.matter_id),
        )
        # New grants first and old ones last, so that the person sees the document throughout.
        _grant(document, labels)
        _label(document, labels, purposes)
        _take_other_grants(document, labels)


def _grant(document: Document, labels: Labels) -> None:
    """Make the grants that are wanted. A document that is open to its matter needs none."""
    if not labels.restricted:
        return
    known = set(document.grants.values_list("user_id", "group_id"))
    wanted: list[tuple[int | None, UUID | None]] = [(each.pk, None) for each in labels.people]
    wanted += [(None, group.pk) for group in labels.groups]
    DocumentGrant.objects.bulk_create(
        DocumentGrant(document=document, user_id=user, group_id=group)
        for user, group in wanted
        if (user, group) not in known
    )


def _take_other_grants(document: Document, labels: Labels) -> None:
    people = labels.people if labels.restricted else ()
    groups = labels.groups if labels.restricted else ()
    document.grants.exclude(Q(user__in=people) | Q(group__in=groups)).delete()
    _check_sight(document)


def _label(document: Document, labels: Labels, purposes: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select auth.label_document(%s, %s, %s::text[], %s)",
            [document.id, labels.classification.value, list(purposes), labels.restricted],
        )
        (changed,) = cursor.fetchone()
    if not changed:
        raise Missing
    _check_sight(document)


def _check_sight(document: Document) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select auth.sees_documents(array[%s::uuid])", [document.id])
        (sees,) = cursor.fetchone()
    if not sees:
        raise ValidationError(
            "With these labels you could not read the document yourself. Choose a level within "
            "your clearance, your present purpose, or give yourself a grant."
        )
