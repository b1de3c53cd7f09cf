"""Findings about rules in words, with the names of people and groups and no title of a document."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from assistant.access.history import Finding
from assistant.access.simulate import Difference
from assistant.accounts.models import Group, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A finding as pages and commands show it. `reasons` are sentences."""

    person: User
    document: UUID
    matter: UUID
    allowed: bool
    purposes: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def says(self) -> str:
        """Yes or no, and for which purposes."""
        if not self.allowed:
            return "no"
        if not self.purposes:
            return "yes"
        return "for " + " or ".join(purpose.replace("_", " ") for purpose in self.purposes)


def explained(findings: Collection[Finding], *, using: str = DEFAULT_DB_ALIAS) -> list[Explained]:
    """Findings with names, sorted as they came. Accounts are never deleted, so each has one."""
    people = people_by_number({finding.person for finding in findings}, using=using)
    names = group_names(findings, using=using)
    return [
        Explained(
            person=people[finding.person],
            document=finding.document,
            matter=finding.matter,
            allowed=finding.allowed,
            purposes=finding.purposes,
            reasons=tuple(reason.sentence(names) for reason in finding.reasons),
        )
        for finding in findings
    ]


def people_by_number(numbers: Collection[int], *, using: str) -> Mapping[int, User]:
    """The accounts with these numbers."""
    return {user.pk: user for user in User.objects.using(using).filter(pk__in=numbers)}


def group_names(findings: Iterable[Finding], *, using: str) -> Mapping[UUID, str]:
    """What the groups are called that these findings mention."""
    mentioned = {reason.about for finding in findings for reason in finding.reasons if reason.about}
    groups = Group.objects.using(using).filter(pk__in=mentioned)
    return {group.pk: f"the group {group.name}" for group in groups}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a change would do for one person in one matter. `before` and `after` are sentences."""

    person: User
    matter: UUID
    gains: tuple[UUID, ...]
    loses: tuple[UUID, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


def shown(differences: Sequence[Difference], *, using: str = DEFAULT_DB_ALIAS) -> list[Shown]:
    """What a change would do, with names."""
    people = people_by_number({each.person for each in differences}, using=using)
    findings = [finding for each in differences for finding in (each.before, each.after)]
    names = group_names(findings, using=using)
    return [
        Shown(
            person=people[each.person],
            matter=each.matter,
            gains=each.gains,
            loses=each.loses,
            before=tuple(reason.sentence(names) for reason in each.before.reasons),
            after=tuple(reason.sentence(names) for reason in each.after.reasons),
        )
        for each in differences
    ]
