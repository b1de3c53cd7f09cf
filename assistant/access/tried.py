"""A change that somebody wants to try out, read from the words of a form or a command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS

from assistant.access.rules import Barrier, BarrierKind
from assistant.access.rules.changes import (
    Account,
    Change,
    Grant,
    GroupPlace,
    Labels,
    Lift,
    MemberPlace,
    Raise,
    TeamPlace,
)
from assistant.accounts.models import Clearance, Group, User

KINDS = {
    "add-member": "Put a person into a matter",
    "remove-member": "Take a person out of a matter",
    "add-team": "Put a group into a matter as a team",
    "remove-team": "Take a team out of a matter",
    "join-group": "Put a person into a group",
    "leave-group": "Take a person out of a group",
    "grant": "Give a grant on a restricted document",
    "revoke": "Take a grant away",
    "label": "Label a document",
    "clear": "Change a person's clearance",
    "raise": "Raise a barrier",
    "lift": "Lift a barrier",
}
LEVELS = {level.name.lower(): level.value for level in Clearance}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A change, and for a restricted list the names on it."""

    change: Change
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Finds what the words mean. `matter_of` and `client_of` turn a name or id into an id."""

    words: Mapping[str, str]
    matter_of: Callable[[str], UUID]
    client_of: Callable[[str], UUID]
    using: str = DEFAULT_DB_ALIAS

    def change(self) -> Tried:
        """The change. Raises ValidationError where a word is missing or means nothing."""
        kind = self._given("change", "Choose what to try.")
        match kind:
            case "add-member" | "remove-member":
                return self._tried(
                    MemberPlace(
                        matter=self._matter(), person=self._person(), present=kind == "add-member"
                    )
                )
            case "add-team" | "remove-team":
                return self._tried(
                    TeamPlace(
                        matter=self._matter(), group=self._group(), present=kind == "add-team"
                    )
                )
            case "join-group" | "leave-group":
                return self._tried(
                    GroupPlace(
                        group=self._group(), person=self._person(), present=kind == "join-group"
                    )
                )
            case "grant" | "revoke":
                return self._tried(self._grant(present=kind == "grant"))
            case "label":
                return self._tried(self._labels())
            case "clear":
                return self._tried(
                    Account(person=self._person(), clearance=self._level("clearance"))
                )
            case "raise":
                return self._barrier()
            case "lift":
                return self._tried(Lift(barrier=self._id("barrier")))
        raise ValidationError(f"There is no change called {kind}.")

    def _tried(self, change: Change) -> Tried:
        return Tried(change=change)

    def _grant(self, *, present: bool) -> Grant:
        document = self._id("document")
        if self._word("group"):
            return Grant(document=document, group=self._group(), present=present)
        return Grant(document=document, person=self._person(), present=present)

    def _labels(self) -> Labels:
        purposes, restricted = self._word("purposes"), self._word("restricted")
        wanted = None
        if purposes:
            wanted = frozenset() if purposes == "any" else frozenset(_parts(purposes))
        return Labels(
            document=self._id("document"),
            classification=self._level("classification") if self._word("classification") else None,
            purposes=wanted,
            is_restricted=None if restricted not in ("yes", "no") else restricted == "yes",
        )

    def _barrier(self) -> Tried:
        try:
            kind = BarrierKind(self._given("kind", "Say whether it is a wall, a seal or a list."))
        except ValueError as error:
            raise ValidationError("A barrier is a wall, a seal or a list.") from error
        names = tuple(_parts(self._word("names")))
        matter = self._matter() if self._word("matter") else None
        client = self.client_of(self._word("client")) if self._word("client") else None
        documents = frozenset({self._id("document")}) if self._word("document") else frozenset()
        if not (names or matter or client or documents):
            raise ValidationError("Say what it stands around: a matter, client, document or names.")
        people = frozenset(self._person_named(name) for name in _parts(self._word("person")))
        groups = frozenset(self._group_named(name) for name in _parts(self._word("group")))
        if kind == BarrierKind.WALL and not (people or groups):
            raise ValidationError("A wall keeps somebody out: name a person or a group.")
        barrier = Barrier(
            id=uuid4(),
            kind=kind,
            matter=matter,
            client=client,
            documents=documents,
            people=people,
            groups=groups,
        )
        return Tried(change=Raise(barrier=barrier), names=names)

    def _word(self, name: str) -> str:
        return self.words.get(name, "").strip()

    def _given(self, name: str, problem: str) -> str:
        word = self._word(name)
        if not word:
            raise ValidationError(problem)
        return word

    def _matter(self) -> UUID:
        return self.matter_of(self._given("matter", "Name the matter."))

    def _person(self) -> int:
        return self._person_named(self._given("person", "Name the person."))

    def _group(self) -> UUID:
        return self._group_named(self._given("group", "Name the group."))

    def _person_named(self, name: str) -> int:
        person = User.objects.using(self.using).filter(username__iexact=name).first()
        if person is None:
            raise ValidationError(f"There is no account called {name}.")
        return person.pk

    def _group_named(self, name: str) -> UUID:
        groups, key = Group.objects.using(self.using), _uuid(name)
        found = list((groups.filter(pk=key) if key else groups.filter(name__iexact=name))[:2])
        if not found:
            raise ValidationError(f"There is no group called {name}.")
        if len(found) > 1:
            raise ValidationError(f"More than one group is called {name}. Give its id instead.")
        return found[0].pk

    def _id(self, name: str) -> UUID:
        found = _uuid(self._given(name, f"Give the id of the {name}."))
        if found is None:
            raise ValidationError(f"That is no id of a {name}.")
        return found

    def _level(self, name: str) -> int:
        word = self._given(name, "Choose a level.")
        if word not in LEVELS:
            raise ValidationError(f"The levels are {', '.join(LEVELS)}.")
        return LEVELS[word]


def _parts(words: str) -> Sequence[str]:
    return [part.strip() for part in words.split(",") if part.strip()]


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
