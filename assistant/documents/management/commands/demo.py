"""`manage.py demo [--json]`: people of every role, three matters, sample documents of our own."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.access.matters import add_member, create_matter
from assistant.access.models import Level, Matter
from assistant.accounts.acting import Acting, acting_as
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.identity import entered
from assistant.accounts.models import Role, User
from assistant.accounts.people import (
    LONGEST_DEFERRAL_DAYS,
    create_person,
    defer_second_factor,
    reset_password,
)
from assistant.documents import intake, tasks
from assistant.documents.ingest import ingest
from assistant.documents.models import WORKING, Document, State, Version
from compliance.events import Context

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LOOK_SECONDS = 0.3
WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A person of the demonstration."""

    username: str
    name: str
    role: Role
    matters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A matter of the demonstration, and the folder its documents are in."""

    reference: str
    name: str
    folder: str


CLINIC, LAW, BANK = "CLINIC-7", "LAW-2031", "BANK-88"
CASES = (
    Case(reference=CLINIC, name="Lindenhof Clinic, ward 3B", folder="clinic"),
    Case(reference=LAW, name="Northgate Freight v. Osprey Warehousing", folder="law"),
    Case(reference=BANK, name="Aldermoor Wind refinancing", folder="bank"),
)
LIBRARIAN = Somebody(
    username="librarian",
    name="Ines Halloran",
    role=Role.KNOWLEDGE_MANAGER,
    matters=tuple(case.reference for case in CASES),
)
STAFF = Role.STAFF
PEOPLE = (
    LIBRARIAN,
    Somebody(username="clinician", name="Dr. Henrike Vollmer", role=STAFF, matters=(CLINIC,)),
    Somebody(username="nurse", name="Ivana Petrak", role=STAFF, matters=(CLINIC,)),
    Somebody(username="lawyer", name="Beatrix Amory", role=STAFF, matters=(LAW,)),
    Somebody(username="paralegal", name="Priya Nair", role=STAFF, matters=(LAW,)),
    Somebody(username="banker", name="Rafael Stenmark", role=STAFF, matters=(BANK,)),
    Somebody(username="analyst", name="Freya Castellane", role=STAFF, matters=(BANK,)),
    Somebody(username="auditor", name="Nora Lind", role=Role.AUDITOR),
    Somebody(username="officer", name="Solveig Brandt", role=Role.PRIVACY_OFFICER),
    Somebody(username="administrator", name="Tomasz Zielinski", role=Role.ADMINISTRATOR),
)


class Command(Say):
    """Make the demonstration once. A second run adds what is missing, which is usually nothing."""

    help = "Make people, matters and documents to try Cloister with; passwords are shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--wait", action="store_true", help="until the documents are read")
        parser.add_argument("--here", action="store_true", help="read them in this process")
        parser.add_argument(
            "--reset-passwords", action="store_true", help="give everybody a new password"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_strangers()
        is_new = False
        for somebody, password in _make_people(reset=options["reset_passwords"]):
            is_new = True
            self._show_person(somebody, password)
        with acting_as(LIBRARIAN.username, command="demo") as acting:
            taken = [version for case in CASES for version in _make_case(acting, case)]
            for version in taken:
                if options["here"]:
                    ingest(version.id)
                else:
                    tasks.wake(version.id)
            if options["wait"] or options["here"]:
                self._wait(acting, taken)
        if not is_new and not taken:
            self.tell("The demonstration is here already: nothing new was made.")

    def _show_person(self, somebody: Somebody, password: str) -> None:
        matters = list(somebody.matters)
        result = {
            "user": somebody.username,
            "password": password,
            "role": somebody.role.value,
            "matters": matters,
        }
        self.show(
            result,
            f"{somebody.username:<16}{password:<22}{somebody.role.value:<20}{', '.join(matters)}",
        )

    def _wait(self, acting: Acting, taken: list[Version]) -> None:
        give_up_at = time.monotonic() + WAIT_SECONDS
        wanted = [version.id for version in taken]
        while True:
            with entered(acting.token):
                states = dict(
                    Version.objects.filter(pk__in=wanted).values_list("document__title", "state")
                )
            if not set(states.values()) & set(WORKING):
                break
            if time.monotonic() > give_up_at:
                raise refused("The documents are not read yet. Does the installation run?")
            time.sleep(LOOK_SECONDS)
        left = sorted(title for title, state in states.items() if state != State.INDEXED)
        if left:
            raise refused(f"Not taken in: {', '.join(left)}.")
        if states:
            self.tell(f"{len(states)} documents can be searched.")


def _refuse_strangers() -> None:
    """An account that merely has the name of one of ours gets no access and no new password."""
    names = {somebody.username: somebody.name for somebody in PEOPLE}
    for user in User.objects.filter(username__in=names):
        if user.display_name != names[user.username]:
            raise cannot(
                f"There is an account called {user.username} that is not of the demonstration. "
                "Make the demonstration in an installation of its own (CLOISTER_HOME)."
            )


def _make_people(*, reset: bool) -> Iterator[tuple[Somebody, str]]:
    """Accounts for those who have none, with the password each was given."""
    for somebody in PEOPLE:
        user = User.objects.filter(username=somebody.username).first()
        if user is None:
            user, password = create_person(
                Context(),
                username=somebody.username,
                display_name=somebody.name,
                roles=[somebody.role],
            )
        elif reset:
            password = reset_password(Context(), user)
        else:
            continue
        # Trying it out begins with a question, not with a new password or an app on a phone.
        User.objects.filter(pk=user.pk).update(must_change_password=False)
        defer_second_factor(Context(), user, days=LONGEST_DEFERRAL_DAYS)
        yield somebody, password


def _make_case(acting: Acting, case: Case) -> list[Version]:
    """The matter with its members, and the documents it has never held."""
    with entered(acting.token):
        matter = Matter.objects.filter(reference=case.reference).first()
        if matter is None:
            matter = create_matter(
                acting.record, acting.user, reference=case.reference, name=case.name
            )
            for somebody in PEOPLE:
                if case.reference in somebody.matters and somebody is not LIBRARIAN:
                    add_member(
                        acting.record,
                        matter,
                        acting.user,
                        username=somebody.username,
                        level=Level.MEMBER,
                    )
    files = sorted((SAMPLES / case.folder).iterdir())
    return [version for path in files for version in _take(acting, matter, path)]


def _take(acting: Acting, matter: Matter, path: Path) -> Iterator[Version]:
    """Take a file in, unless the matter has or had a document of its name."""
    with entered(acting.token):
        if Document.objects.filter(matter=matter, title=intake.title_of(path.name)).exists():
            return
    blob = intake.store_upload([path.read_bytes()])
    with entered(acting.token):
        version, is_new = intake.accept_upload(
            acting.record, acting.user, matter, name=path.name, blob=blob
        )
    if is_new:
        yield version
