"""Who could see a document at a time, what a person could see, and why.

For auditors, privacy officers and the operator; the database gives the facts to nobody else. The
answers hold ids, never titles: whoever looks at rules need not be allowed to read.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from assistant.access.errors import Missing
from assistant.access.rules import Reason, Verdict, World, decide, purposes_to_try
from assistant.access.rules.facts import world_of
from assistant.accounts.models import User
from compliance import log
from compliance.events import Context, ReadersLookedUp, RightsLookedUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A person and a document: whether it could be read, for which purposes, and why.

    `purposes` is empty when any will do, or none.
    """

    person: int
    document: UUID
    matter: UUID
    allowed: bool
    purposes: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found about a time. Before `begins` there is no history."""

    at: datetime
    begins: datetime | None
    findings: Sequence[Finding]

    @property
    def allowed(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.allowed]


def who_could_see(
    record: Context, document: UUID, *, at: datetime, using: str = DEFAULT_DB_ALIAS
) -> Answer:
    """Everybody in the document's matter at that time, and why each could read it or could not.

    To be called in a transaction, since looking is an event. Raises Missing when there was no such
    document then, or the caller may not look.
    """
    matters = column("select auth.matters_about(%s, %s, null, null)", [at, document], using)
    if not matters:
        raise Missing
    log.append(
        ReadersLookedUp(object=document, at=at.isoformat()),
        context=replace(record, matter=matters[0]),
        using=using,
    )
    world = world_in(matters, document=document, at=at, using=using)
    people = sorted(world.people)
    return _answer(at, using, (finding_of(world, person, document, at=at) for person in people))


def what_can_see(
    record: Context, person: User, *, at: datetime, using: str = DEFAULT_DB_ALIAS
) -> Answer:
    """Every document of every matter the person was in at that time, and why they could read it.

    To be called in a transaction, since looking is an event. Finds nothing when the caller may not
    look.
    """
    log.append(
        RightsLookedUp(object=person.public_id, at=at.isoformat()), context=record, using=using
    )
    matters = column("select auth.matters_at(%s, %s)", [person.pk, at], using)
    world = world_in(matters, people=[person.pk], at=at, using=using)
    documents = sorted(world.documents.values(), key=lambda each: (each.matter, each.id))
    found = (
        finding_of(world, person.pk, each.id, at=at) for each in documents if not each.is_deleted
    )
    return _answer(at, using, found)


def world_in(
    matters: Sequence[UUID],
    *,
    at: datetime,
    document: UUID | None = None,
    people: Sequence[int] = (),
    using: str = DEFAULT_DB_ALIAS,
) -> World:
    """The rules of these matters at a time: for one document of theirs, or for all."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "select kind, data from auth.facts_in(%s, %s, %s, %s)",
            [at, list(matters), document, list(people)],
        )
        return world_of((kind, json.loads(data)) for kind, data in cursor.fetchall())


def finding_of(world: World, person: int, document: UUID, *, at: datetime) -> Finding:
    """One person and one document, over every purpose that makes a difference."""
    verdicts = {
        purpose: decide(world, person, document, purpose=purpose, at=at)
        for purpose in purposes_to_try(world, person, document)
    }
    open_for = [purpose for purpose, verdict in verdicts.items() if verdict.allowed]
    told = (
        _fullest(verdicts[purpose] for purpose in open_for)
        if open_for
        else _nearest(verdicts.values())
    )
    return Finding(
        person=person,
        document=document,
        matter=world.documents[document].matter,
        allowed=bool(open_for),
        purposes=() if "" in open_for else tuple(open_for),
        reasons=told.reasons,
    )


def _fullest(verdicts: Iterable[Verdict]) -> Verdict:
    """Of the purposes that let somebody in, the one with most to say."""
    return max(verdicts, key=lambda verdict: len(verdict.reasons))


def _nearest(verdicts: Iterable[Verdict]) -> Verdict:
    """Of those that do not, the one with the least in the way: the rest is a choice of purpose."""
    return min(verdicts, key=lambda verdict: len(verdict.reasons))


def rights_version(using: str = DEFAULT_DB_ALIAS) -> int:
    """A number that grows with every change of anybody's rights: what a look at the rules saw."""
    (version,) = column("select auth.rules_version()", [], using)
    return int(version)


def _answer(at: datetime, using: str, findings: Iterable[Finding]) -> Answer:
    (begins,) = column("select auth.history_begins()", [], using)
    return Answer(at=at, begins=begins, findings=list(findings))


def column(statement: str, values: Sequence[Any], using: str) -> list[Any]:
    """The one column that a statement gives."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement, list(values))
        return [value for (value,) in cursor.fetchall()]
