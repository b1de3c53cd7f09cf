"""`manage.py access who-could-see|what-can-see|simulate`: the rules explained, for the operator.

    access who-could-see DOCUMENT [--at T]
    access what-can-see PERSON [--at T]
    access simulate CHANGE [--person U] [--group G] [--matter M] [--client C] [--document D] …

Each takes `--by USER` (who asked for it, for the record) and `--json` (one object a line). Times
are ISO 8601, in UTC unless they say otherwise. Nothing is ever changed.
"""

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assistant.access.barriers import matter_id_of
from assistant.access.errors import Missing
from assistant.access.explained import (
    Explained,
    Shown,
    explained,
    shown,
)
from assistant.access.history import Answer, what_can_see, who_could_see
from assistant.access.models import Client
from assistant.access.simulate import simulate
from assistant.access.tried import KINDS, Reader
from assistant.access.upkeep import OWNER
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.models import User
from compliance.events import Context
from compliance.log import NotRecorded

OPTIONS = (
    "person group matter client document classification purposes restricted clearance kind names"
    " barrier"
).split()


class Command(Say):
    """Say who could see a document, what a person can see, or what a change of rules would do."""

    help = "Explain who sees what, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        for name, about in (("who-could-see", "document"), ("what-can-see", "person")):
            looked = what.add_parser(name)
            looked.add_argument("about", metavar=about.upper())
            looked.add_argument("--at", help="a moment, for instance 2026-03-01T12:00")
            _common(looked)
        tried = what.add_parser("simulate")
        tried.add_argument("change", choices=list(KINDS))
        for option in OPTIONS:
            tried.add_argument(f"--{option}", default="")
        _common(tried)

    def handle(self, *args: Any, **options: Any) -> None:
        record = Context(actor=_account(options["by"]).public_id if options["by"] else None)
        run = {
            "who-could-see": self._who_could_see,
            "what-can-see": self._what_can_see,
            "simulate": self._simulate,
        }[options["what"]]
        try:
            with transaction.atomic(using=OWNER):
                run(record, options)
        except Missing as error:
            raise refused(f"There was no document {options['about']} at that time.") from error
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error
        except NotRecorded as error:
            raise refused(f"Nothing is shown: {error}") from error

    def _who_could_see(self, record: Context, options: dict[str, Any]) -> None:
        try:
            document = UUID(options["about"])
        except ValueError as error:
            raise cannot("Give the document's id.") from error
        answer = who_could_see(record, document, at=_time(options["at"]), using=OWNER)
        self._tell_of(answer)
        self._rows(explained(answer.findings, using=OWNER), by_document=False)

    def _what_can_see(self, record: Context, options: dict[str, Any]) -> None:
        person = _account(options["about"])
        answer = what_can_see(record, person, at=_time(options["at"]), using=OWNER)
        self._tell_of(answer)
        self._rows(explained(answer.findings, using=OWNER), by_document=True)

    def _simulate(self, record: Context, options: dict[str, Any]) -> None:
        words = {"change": options["change"], **{name: options[name] for name in OPTIONS}}
        tried = Reader(words=words, matter_of=_matter, client_of=_client, using=OWNER).change()
        foreseen = simulate(record, tried.change, at=timezone.now(), names=tried.names, using=OWNER)
        self.tell(f"Nothing was changed. Judged by the rules of version {foreseen.version}.")
        for row in shown(foreseen.differences, using=OWNER):
            self.show(_difference(row), _sentence(row))
        if not foreseen.differences:
            self.tell("Nobody would see more or less than now.")

    def _tell_of(self, answer: Answer) -> None:
        begins = answer.begins
        if begins is not None and answer.at < begins:
            self.tell(
                f"The history of rules begins at {begins.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
            )
        if not answer.findings:
            self.tell("Nobody could see anything here at that time.")

    def _rows(self, rows: Iterable[Explained], *, by_document: bool) -> None:
        for row in rows:
            about = str(row.document) if by_document else row.person.username
            self.show(_finding(row), f"{about}\t{row.says}\t{'; '.join(row.reasons)}")


def _common(parser: ArgumentParser) -> None:
    parser.add_argument("--by", help="the account of whoever asked for it")
    parser.add_argument("--json", action="store_true")


def _finding(row: Explained) -> dict[str, Any]:
    return {
        "document": row.document,
        "matter": row.matter,
        "person": row.person.username,
        "allowed": row.allowed,
        "purposes": list(row.purposes),
        "reasons": list(row.reasons),
    }


def _difference(row: Shown) -> dict[str, Any]:
    return {
        "person": row.person.username,
        "matter": row.matter,
        "gains": list(row.gains),
        "loses": list(row.loses),
        "before": list(row.before),
        "after": list(row.after),
    }


def _sentence(row: Shown) -> str:
    return (
        f"{row.person.username}\tin {row.matter}\tgains {len(row.gains)}, loses {len(row.loses)}"
        f"\tnow: {'; '.join(row.before)}\tthen: {'; '.join(row.after)}"
    )


def _time(text: str | None) -> datetime:
    if not text:
        return timezone.now()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise cannot("Give the time as in 2026-03-01T12:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _account(name: str) -> User:
    person = User.objects.filter(username__iexact=name.strip()).first()
    if person is None:
        raise refused(f"There is no account called {name.strip()}.")
    return person


def _matter(name: str) -> UUID:
    try:
        return matter_id_of(name)
    except Missing as error:
        raise ValidationError(f"There is no matter {name}.") from error


def _client(name: str) -> UUID:
    client = Client.objects.using(OWNER).filter(name__iexact=name.strip()).first()
    if client is None:
        raise ValidationError(f"There is no client called {name.strip()}.")
    return client.pk
