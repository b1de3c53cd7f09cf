"""Every address of the site: how it is asked for, and who is let in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

EVERYBODY = frozenset(
    "outsider walled former member lead auditor officer administrator".split()
)
"""Whoever is signed in: `walled` is a lead behind a wall, `former` was taken out of the matter."""
MEMBERS = frozenset({"member", "lead"})
OWNER = frozenset({"member"})
LEADS = frozenset({"lead"})
AUDITORS = frozenset({"auditor"})
OFFICERS = frozenset({"officer"})
RULE_READERS = AUDITORS | OFFICERS
ADMINISTRATORS = frozenset({"administrator"})
DECIDERS = LEADS | OFFICERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """What exists: a matter with documents, the member's conversations in it, people, an event."""

    matter: UUID
    document: UUID
    unwanted: UUID  # a document to be removed
    pdf: UUID  # a version
    cancelled: UUID  # a version whose reading was stopped
    conversation: UUID
    forgettable: UUID  # a conversation to be deleted
    hidden: UUID  # a conversation that was deleted
    answer: UUID
    guest: UUID  # a member to be taken out
    somebody: UUID  # a person who is nothing to the others
    session: UUID  # a session of theirs
    event: UUID
    asked: UUID  # an event that has content
    group: UUID  # that is in no matter
    team: UUID  # a group that is in the matter
    barrier: UUID
    emergency: UUID  # break-glass on the matter, asked for by a stranger to it
    ended: UUID  # one that has ended
    review: UUID  # an access review that is open
    closed: UUID  # one that is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An address. Those `allowed` get the status; all others who are signed in get 404."""

    allowed: frozenset[str]
    method: str
    gets: Sequence[int]
    ids: Callable[[Things], list[Any]] | None
    fields: Callable[[Things], dict[str, str]]

    @property
    def takes_ids(self) -> bool:
        return self.ids is not None


def _page(
    allowed: frozenset[str],
    ids: Callable[[Things], list[Any]] | None = None,
    *,
    gets: Sequence[int] = (200,),
) -> Route:
    return Route(allowed=allowed, method="GET", gets=gets, ids=ids, fields=lambda things: {})


def _form(
    allowed: frozenset[str],
    ids: Callable[[Things], list[Any]] | None = None,
    *,
    gets: Sequence[int] = (302,),
    **fields: str,
) -> Route:
    return Route(allowed=allowed, method="POST", gets=gets, ids=ids, fields=lambda things: fields)


ROUTES: dict[str, Route] = {
    # Oneself
    "sign-in": _page(EVERYBODY, gets=(302,)),
    "sign-out": _form(EVERYBODY),
    # By way of a directory: for strangers (see FOR_STRANGERS); others go to the first page.
    "sign-in-oidc": _page(EVERYBODY, gets=(302,)),
    "sign-in-oidc-return": _page(EVERYBODY, gets=(302,)),
    "sign-in-saml": _page(EVERYBODY, gets=(302,)),
    "sign-in-saml-response": _form(EVERYBODY),
    "sign-in-saml-finish": _page(EVERYBODY, gets=(302,)),
    "saml-metadata": _page(EVERYBODY),
    "sign-in-ldap": _form(EVERYBODY),
    "sign-in-certificate": _form(EVERYBODY),
    "account": _page(EVERYBODY),
    # A session of somebody else counts as ended already: nothing shows whether it exists.
    "end-session": _form(EVERYBODY, lambda things: [things.session]),
    "end-other-sessions": _form(EVERYBODY),
    "name-browser": _form(EVERYBODY, name="The one at my desk"),
    "second-factor": _page(EVERYBODY, gets=(302,)),
    "set-up-second-factor": _page(EVERYBODY),
    "set-up-app": _page(EVERYBODY),
    "set-up-passkey": _page(EVERYBODY),
    # Asked for by a network address, where there are no passkeys.
    "passkey-options": _form(EVERYBODY, gets=(400,), purpose="step_up"),
    "recovery-codes": _page(EVERYBODY, gets=(302,)),
    "remove-second-factor": _form(EVERYBODY, lambda things: [things.session]),
    "step-up": _page(EVERYBODY),
    "step-up-go-on": _page(EVERYBODY, gets=(302,)),
    "help": _page(EVERYBODY),
    # Conversations belong to whoever began them: a lead of the matter sees none of Bob's.
    "home": _page(EVERYBODY, gets=(200, 302)),
    "chat": _page(EVERYBODY),
    "history-search": _page(EVERYBODY),
    "ask": Route(
        allowed=MEMBERS,
        method="POST",
        gets=(302,),
        ids=None,
        fields=lambda things: {"matter": str(things.matter), "text": "What is the rent?"},
    ),
    "conversation": _page(OWNER, lambda things: [things.conversation]),
    "rename-conversation": _form(OWNER, lambda things: [things.conversation], title="The rent"),
    "delete-conversation": _form(OWNER, lambda things: [things.forgettable]),
    "restore-conversation": _form(OWNER, lambda things: [things.hidden]),
    "feedback": _form(OWNER, lambda things: [things.answer], gets=(200,), helpful="yes"),
    # Matters and documents
    "matters": _page(EVERYBODY),
    "create-matter": _form(LEADS, reference="T-new", name="A new matter"),
    "matter": _page(MEMBERS, lambda things: [things.matter]),
    "rename-matter": _form(LEADS, lambda things: [things.matter], reference="T-1", name="A name"),
    "add-member": _form(
        LEADS, lambda things: [things.matter], gets=(400,), username="nobody", level="member"
    ),
    "remove-member": _form(LEADS, lambda things: [things.matter, things.guest]),
    "add-team": Route(
        allowed=LEADS,
        method="POST",
        gets=(302,),
        ids=lambda things: [things.matter],
        fields=lambda things: {"group": str(things.group)},
    ),
    "remove-team": _form(LEADS, lambda things: [things.matter, things.team]),
    "matter-client": _form(LEADS, lambda things: [things.matter], client="A client"),
    "matter-purposes": _form(LEADS, lambda things: [things.matter], purposes=""),
    "purpose": _page(EVERYBODY),
    "document-labels": _page(LEADS, lambda things: [things.document]),
    # Privacy officers
    "barriers": _page(OFFICERS),
    "preview-barrier": Route(
        allowed=OFFICERS,
        method="POST",
        gets=(200,),
        ids=None,
        fields=lambda things: {
            "kind": "seal",
            "place": "matter",
            "matter": str(things.matter),
            "reason": "x",
        },
    ),
    "raise-barrier": _form(OFFICERS, gets=(400,), kind="wall", place="names", names="Nobody"),
    "lift-barrier": _form(OFFICERS, lambda things: [things.barrier], reason="It is over."),
    # Break-glass and access reviews
    "break-glass": _page(EVERYBODY - ADMINISTRATORS),
    "ask-emergency": _page(EVERYBODY - ADMINISTRATORS),
    "emergency": _page(DECIDERS, lambda things: [things.emergency]),
    "decide-emergency": _form(
        DECIDERS, lambda things: [things.emergency], gets=(302, 400), decision="approve"
    ),
    "end-emergency": _form(DECIDERS, lambda things: [things.ended], gets=(400,)),
    "review-emergency": _form(OFFICERS, lambda things: [things.ended], gets=(400,)),
    "notices": _page(OFFICERS),
    "read-notices": _form(OFFICERS),
    "reminders": _page(EVERYBODY),
    "reviews": _page(EVERYBODY),
    "open-review": _form(OFFICERS, gets=(400,), due=""),
    "review": _page(DECIDERS, lambda things: [things.review]),
    "decide-place": Route(
        allowed=DECIDERS,
        method="POST",
        gets=(302,),
        ids=lambda things: [things.review],
        fields=lambda things: {"matter": str(things.matter), "all": "yes"},
    ),
    "close-review": _form(OFFICERS, lambda things: [things.closed], gets=(400,)),
    # Auditors and privacy officers
    "rules": _page(RULE_READERS),
    "rules-readers": _page(RULE_READERS, gets=(400,)),
    "rules-rights": _page(RULE_READERS, gets=(400,)),
    "rules-try": _page(RULE_READERS),
    "rules-tried": _form(RULE_READERS, gets=(400,), change="add-member"),
    # The library
    "library": _page(MEMBERS, lambda things: [things.matter]),
    "library-rows": _page(MEMBERS, lambda things: [things.matter]),
    "upload": _form(MEMBERS, lambda things: [things.matter]),
    "document": _page(MEMBERS, lambda things: [things.document]),
    "original": _page(MEMBERS, lambda things: [things.pdf]),
    "page-picture": _page(MEMBERS, lambda things: [things.pdf, 1]),
    "cancel-version": _form(MEMBERS, lambda things: [things.pdf]),
    "retry-version": _form(MEMBERS, lambda things: [things.cancelled]),
    "delete-document": _form(MEMBERS, lambda things: [things.unwanted]),
    # Administrators
    "people": _page(ADMINISTRATORS),
    "create-person": _form(ADMINISTRATORS, gets=(400,), username="", display_name=""),
    "people-directory": _page(ADMINISTRATORS),
    "link-identity": _form(ADMINISTRATORS, gets=(400,), username="nobody"),
    "unlink-identity": _form(ADMINISTRATORS, lambda things: [0]),
    "create-scim-token": _form(ADMINISTRATORS, gets=(200,), name="a token"),
    "revoke-scim-token": _form(ADMINISTRATORS, lambda things: [things.somebody]),
    "person-roles": _form(ADMINISTRATORS, lambda things: [things.somebody], roles="staff"),
    "person-reading": _form(ADMINISTRATORS, lambda things: [things.somebody], clearance="1"),
    "person-active": _form(ADMINISTRATORS, lambda things: [things.somebody], active="yes"),
    "person": _page(ADMINISTRATORS, lambda things: [things.somebody]),
    "end-person-sessions": _form(ADMINISTRATORS, lambda things: [things.somebody]),
    "reset-second-factors": _form(ADMINISTRATORS, lambda things: [things.somebody]),
    "defer-second-factor": _form(ADMINISTRATORS, lambda things: [things.somebody], days="7"),
    "person-password": _form(ADMINISTRATORS, lambda things: [things.somebody], gets=(200,)),
    # SCIM opens to a directory's token and to nobody's session.
    "scim-config": _page(EVERYBODY, gets=(401,)),
    "scim-schemas": _page(EVERYBODY, gets=(401,)),
    "scim-schema": _page(EVERYBODY, lambda things: ["User"], gets=(401,)),
    "scim-resource-types": _page(EVERYBODY, gets=(401,)),
    "scim-resource-type": _page(EVERYBODY, lambda things: ["User"], gets=(401,)),
    "scim-search": _form(EVERYBODY, gets=(401,)),
    "scim-people-search": _form(EVERYBODY, gets=(401,)),
    "scim-groups-search": _form(EVERYBODY, gets=(401,)),
    "scim-people": _page(EVERYBODY, gets=(401,)),
    "scim-person": _page(EVERYBODY, lambda things: [things.somebody], gets=(401,)),
    "scim-groups": _page(EVERYBODY, gets=(401,)),
    "scim-group": _page(EVERYBODY, lambda things: [things.matter], gets=(401,)),
    "scim-nothing": _page(EVERYBODY, lambda things: ["anything"], gets=(401,)),
    # Readers of the record: auditors and privacy officers
    "record": _page(RULE_READERS),
    "record-event": _page(RULE_READERS, lambda things: [things.event]),
    "record-suggest": _page(RULE_READERS),
    "record-proof": _page(RULE_READERS, lambda things: [things.event]),
    "record-verifier": _page(RULE_READERS),
    "record-checkpoint": _page(RULE_READERS),
    "record-follow": _form(RULE_READERS, gets=(200,), query=""),
    "record-follow-more": _page(RULE_READERS, gets=(410,)),
    "record-follow-end": _form(RULE_READERS, gets=(410,)),
    "record-save-search": _form(RULE_READERS, name="A search", query=""),
    # Nobody's own: an id that is not a saved search of theirs is missing for everybody.
    "record-remove-search": _form(RULE_READERS, lambda things: [things.event], gets=(404,)),
    # Unlocking itself asks again who is there.
    "record-unlock": _page(RULE_READERS, lambda things: [things.asked, "question"]),
}


FOR_STRANGERS = frozenset(name for name in ROUTES if name.startswith(("sign-", "saml-", "scim-")))
"""Addresses that answer whoever is not signed in, other than with the way to the sign-in page."""

FROM_ELSEWHERE = frozenset(
    {"sign-in-saml-response", "scim-search", "scim-people-search", "scim-groups-search"}
)
"""What others post here: they prove themselves by a signature or a token of their own."""


def addresses_of_the_site() -> Iterator[str]:
    """The names of all addresses there are; of one without a name, its pattern."""
    yield from _names(get_resolver().url_patterns)


def _names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns)
        else:
            yield pattern.name or str(pattern.pattern)
