"""Alice leads the matter, Bob is on her team, Charlie has no access to it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from django.db import connection

from assistant.access.matters import add_member, create_matter
from assistant.access.models import Matter
from assistant.access.upkeep import OWNER
from assistant.accounts.acting import Acting, acting_as
from assistant.accounts.attempts import SIGNIN
from assistant.accounts.identity import entered
from assistant.accounts.models import Clearance, Group, GroupMember, User
from assistant.accounts.people import create_person, defer_second_factor
from assistant.documents import intake
from assistant.documents.ingest import ingest
from assistant.documents.models import Version
from compliance.events import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account of their own for one test."""

    user: User
    password: str

    @property
    def username(self) -> str:
        return self.user.username

    @contextmanager
    def acting(self) -> Iterator[Acting]:
        """A session on the command line."""
        with acting_as(self.username, command="test") as acting:
            yield acting

    @contextmanager
    def entered(self) -> Iterator[Acting]:
        """A transaction as this person."""
        with self.acting() as acting, entered(acting.token):
            yield acting


def make_person(name: str, *roles: str, days_without_second_factor: int = 30) -> Person:
    """A person with a name nobody else has, who need not have a second factor yet."""
    username = f"{name.lower()}-{uuid4().hex[:8]}"
    user, password = create_person(
        Context(), username=username, display_name=name.title(), roles=roles or ["staff"]
    )
    User.objects.filter(pk=user.pk).update(must_change_password=False)
    if days_without_second_factor:
        defer_second_factor(Context(), user, days=days_without_second_factor)
    user.refresh_from_db()
    return Person(user=user, password=password)


def make_group(name: str, *people: Person) -> Group:
    """A group as a directory makes it, of a name that no other has, with these people."""
    group = Group.objects.using(SIGNIN).create(name=f"{name.title()} {uuid4().hex[:6]}")
    join_group(group, *people)
    return group


def join_group(group: Group, *people: Person) -> None:
    """Put people into a group, as a directory does."""
    GroupMember.objects.using(SIGNIN).bulk_create(
        GroupMember(group=group, user=person.user) for person in people
    )


def be_cleared(person: Person, clearance: Clearance) -> None:
    """Let a person read up to a level, as the owner of the tables."""
    User.objects.using(OWNER).filter(pk=person.user.pk).update(clearance=clearance)


@dataclass(kw_only=True)
class World:
    """A matter with its people, apart from every other test's."""

    alice: Person
    bob: Person
    charlie: Person
    matter: Matter
    documents: dict[str, UUID] = field(default_factory=dict)

    def as_alice(self) -> AbstractContextManager[Acting]:
        return self.alice.entered()

    def upload(self, name: str, data: bytes | str, *, by: Person | None = None) -> Version:
        """Store a file and leave it to be read; nobody is told of it."""
        blob = intake.store_upload([data.encode() if isinstance(data, str) else data])
        with (by or self.alice).acting() as acting, entered(acting.token):
            version, _ = intake.accept_upload(
                acting.record, acting.user, self.matter, name=name, blob=blob
            )
        return version

    def add(self, name: str, data: bytes | str | Path) -> Version:
        """Store a file and read it in this process."""
        content = data.read_bytes() if isinstance(data, Path) else data
        if isinstance(content, str):
            content = content.encode()
        blob = intake.store_upload([content])
        with self.alice.acting() as acting:
            with entered(acting.token):
                version, is_new = intake.accept_upload(
                    acting.record, acting.user, self.matter, name=name, blob=blob
                )
            if is_new:
                ingest(version.id)
            with entered(acting.token):
                version = Version.objects.select_related("document").get(pk=version.id)
        self.documents[name] = version.document_id
        return version


def make_world() -> World:
    """Alice and her matter, with Bob in it and Charlie outside."""
    alice = make_person("alice", "staff", "knowledge_manager")
    bob, charlie = make_person("bob"), make_person("charlie")
    with alice.entered() as acting:
        reference = f"T-{uuid4().hex[:6]}"
        matter = create_matter(acting.record, acting.user, reference=reference, name="A matter")
        add_member(acting.record, matter, acting.user, username=bob.username, level="member")
    return World(alice=alice, bob=bob, charlie=charlie, matter=matter)


def scope_key(matter_id: UUID) -> str | None:
    """What the salt of cached prompts is made of, for whoever is entered."""
    with connection.cursor() as cursor:
        cursor.execute("select auth.scope_key(%s)", [matter_id])
        key: str | None = cursor.fetchone()[0]
    return key
