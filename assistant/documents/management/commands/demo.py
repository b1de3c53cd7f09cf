"""`manage.py demo [--json]`: people of every role, three matters, sample documents of our own."""

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from assistant.access.matters import add_member, create_matter, my_matters
from assistant.access.models import Matter
from assistant.accounts.acting import Acting, acting_as
from assistant.accounts.commands import Say
from assistant.accounts.identity import entered
from assistant.accounts.models import User
from assistant.accounts.people import create_person
from assistant.documents import intake, tasks
from assistant.documents.ingest import ingest
from compliance.events import Context

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A person of the demonstration. `role` is the main one."""

    username: str
    name: str
    role: str
    matters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A matter of the demonstration and the folder its documents are in."""

    reference: str
    name: str
    folder: str


CASES = (
    Case(reference="CLINIC-7", name="Ward 7, anticoagulation", folder="clinic"),
    Case(reference="LAW-2031", name="Hallam Mill v. Orrin Logistics", folder="law"),
    Case(reference="BANK-88", name="Tarn Valley credit facility", folder="bank"),
)
LIBRARIAN = "librarian"
PEOPLE = (
    Somebody(
        username=LIBRARIAN,
        name="Ines Marchetti",
        role="knowledge_manager",
        matters=tuple(case.reference for case in CASES),
    ),
    Somebody(
        username="clinician", name="Dr. Femi Okafor", role="staff", matters=("CLINIC-7",)
    ),
    Somebody(username="nurse", name="Hanna Lindqvist", role="staff", matters=("CLINIC-7",)),
    Somebody(username="lawyer", name="Gareth Pryce", role="staff", matters=("LAW-2031",)),
    Somebody(username="banker", name="Mei-Lin Tan", role="staff", matters=("BANK-88",)),
    Somebody(username="auditor", name="Nora Lind", role="auditor"),
    Somebody(username="administrator", name="Tomasz Zielinski", role="administrator"),
)


class Command(Say):
    """Make the demonstration once; a second run finds it there and changes nothing."""

    help = "Make people, matters and documents to try Cloister with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--here", action="store_true", help="read the documents here and now")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(username=LIBRARIAN).exists():
            self.tell("The demonstration is here already; nothing was changed.")
            return
        for somebody, password in _make_people():
            result = {
                "user": somebody.username,
                "password": password,
                "role": somebody.role,
                "matters": list(somebody.matters),
            }
            words = f"{somebody.username:<16}{password:<22}{somebody.role:<20}"
            self.show(result, words + ", ".join(somebody.matters))
        with acting_as(LIBRARIAN, command="demo") as acting:
            for case in CASES:
                _make_case(acting, case, here=options["here"])


def _make_people() -> Iterator[tuple[Somebody, str]]:
    for somebody in PEOPLE:
        user, password = create_person(
            Context(), username=somebody.username, display_name=somebody.name, roles=[somebody.role]
        )
        # Try-outs begin with the question, not with a new password.
        User.objects.filter(pk=user.pk).update(must_change_password=False)
        yield somebody, password


def _make_case(acting: Acting, case: Case, *, here: bool) -> None:
    with entered(acting.token):
        if any(matter.reference == case.reference for matter in my_matters(acting.user)):
            raise CommandError(f"There is a matter {case.reference} already.")
        matter = create_matter(
            acting.record, acting.user, reference=case.reference, name=case.name
        )
        for somebody in PEOPLE:
            if case.reference in somebody.matters and somebody.username != LIBRARIAN:
                add_member(
                    acting.record, matter, acting.user, username=somebody.username, level="member"
                )
    for path in sorted((SAMPLES / case.folder).glob("*.*")):
        _take(acting, matter, path, here=here)


def _take(acting: Acting, matter: Matter, path: Path, *, here: bool) -> None:
    blob = intake.store_upload([path.read_bytes()])
    with entered(acting.token):
        version, _ = intake.accept_upload(
            acting.record, acting.user, matter, name=path.name, blob=blob
        )
        if not here:
            transaction.on_commit(lambda: tasks.wake(version.id))
    if here:
        ingest(version.id)
