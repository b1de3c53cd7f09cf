"""`manage.py audit …`: check the record, hand out what others can check; erase and hold content.

`erase` and `hold` are in compliance/content/commands.py.
"""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compliance import ciphertexts, log
from compliance.bundle import AlreadyThere
from compliance.content import commands
from compliance.events import Context, Outcome, RecordVerified
from compliance.ledger import check, handing_out, paper
from compliance.ledger.check import Result
from compliance.ledger.database import Database, connect
from compliance.ledger.errors import CannotRun, Damaged
from compliance.ledger.handing_out import NotThere
from compliance.ledger.place import Place
from compliance.log import NotRecorded

REFUSED, CANNOT = 1, 2
_NEWEST = "SELECT size, note, signed_at FROM compliance_checkpoint ORDER BY size DESC LIMIT 1"
_PATIENCE_SECONDS = 24 * 3600


class Command(BaseCommand):
    """What operators do with the record. Results on standard output, with `--json` as objects.

    Checking reads it as the signer's role does, in one snapshot, and changes nothing.
    """

    help = "Verify, export or prove the record; erase recorded content, or hold it."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        doing = parser.add_subparsers(dest="do", required=True)
        verify = doing.add_parser("verify", help="derive everything again; name what differs")
        verify.add_argument("--all", action="store_true", help="from the first event on")
        verify.add_argument("--json", action="store_true")
        export = doing.add_parser("export", help="a folder that anybody can check")
        export.add_argument("folder", type=Path)
        export.add_argument("--from", dest="after", type=_moment, default=_moment("1970-01-01"))
        export.add_argument("--to", dest="before", type=_moment, default=_moment("9999-01-01"))
        export.add_argument(
            "--content", action="store_true", help="take the ciphertexts along, without their keys"
        )
        export.add_argument("--json", action="store_true")
        prove = doing.add_parser("prove", help="one event's proof, on standard output")
        prove.add_argument("event", type=UUID)
        sheet = doing.add_parser("paper", help="the newest signed head, as a page to print")
        sheet.add_argument("file", type=Path)
        commands.erase_arguments(doing.add_parser("erase", help="destroy keys of content"))
        commands.hold_arguments(doing.add_parser("hold", help="keep content from being erased"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["do"] in ("erase", "hold"):
            self._decide(options)
        else:
            self._check(options)

    def _decide(self, options: dict[str, Any]) -> None:
        run = commands.run_erase if options["do"] == "erase" else commands.run_hold

        def show(result: dict[str, Any], words: str) -> None:
            as_json = json.dumps(result, ensure_ascii=False, default=str)
            self.stdout.write(as_json if options["json"] else words)

        run(options, show)

    def _check(self, options: dict[str, Any]) -> None:
        address = settings.LEDGER_DATABASES["signer"]
        place = Place(home=settings.HOME)
        try:
            with connect(address, name="audit", statement_seconds=_PATIENCE_SECONDS) as database:
                code = self._doing[options["do"]](database, place, options)
        except (CannotRun, NotThere, AlreadyThere, psycopg.OperationalError) as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except Damaged as damage:
            raise CommandError(f"{damage.kind}: {damage}", returncode=REFUSED) from damage
        except NotRecorded as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        if code:
            sys.exit(code)

    @property
    def _doing(self) -> dict[str, Callable[[Database, Place, dict[str, Any]], int]]:
        return {
            "verify": self._verify,
            "export": self._export,
            "prove": self._prove,
            "paper": self._paper,
        }

    def _verify(self, database: Database, place: Place, options: dict[str, Any]) -> int:
        result = check.check(database, place, everything=options["all"])
        self._record(result)
        if options["json"]:
            self.stdout.write(json.dumps(told(result)))
        else:
            self._say(result)
        return 0 if result.is_good else REFUSED

    def _record(self, result: Result) -> None:
        event = RecordVerified(
            start=result.start,
            size=result.size,
            damages=len(result.report.damage),
            outcome=Outcome.DONE if result.is_good else Outcome.FAILED,
        )
        try:
            log.append_alone(event, context=Context())
        except NotRecorded as error:
            # A damaged record may refuse to take anything in. The answer is given all the same.
            self.stderr.write(f"The check itself is not on record: {error}")

    def _say(self, result: Result) -> None:
        for one in result.report.damage.values():
            where = f" at {one.index}" if one.index is not None else ""
            more = f" ({one.count} in all)" if one.count > 1 else ""
            self.stdout.write(f"{one.kind}{where}: {one.says}{more}")
        for remark in result.report.notes:
            self.stderr.write(remark)
        signed = f"signed up to {result.newest.size}" if result.newest.size else "nothing is signed"
        verdict = "The record holds" if result.is_good else "The record is damaged"
        self.stdout.write(
            f"{verdict}: events {result.start} to {result.size} in {result.seconds:.1f} s; {signed}"
        )

    def _export(self, database: Database, place: Place, options: dict[str, Any]) -> int:
        count = handing_out.export(
            database,
            place,
            options["folder"].absolute(),
            after=options["after"],
            before=options["before"],
            contents=ciphertexts.ciphertexts(
                database, after=options["after"], before=options["before"]
            )
            if options["content"]
            else (),
        )
        if options["json"]:
            self.stdout.write(json.dumps({"folder": str(options["folder"]), "events": count}))
        else:
            self.stdout.write(f"{count} events are in {options['folder']}")
        return 0

    def _prove(self, database: Database, place: Place, options: dict[str, Any]) -> int:
        self.stdout.write(handing_out.prove(database, place, options["event"]), ending="")
        return 0

    def _paper(self, database: Database, place: Place, options: dict[str, Any]) -> int:
        row = database.execute(_NEWEST).fetchone()
        if row is None:
            raise NotThere("Nothing is signed yet. Is the signer running?")
        size, note, signed_at = row
        options["file"].write_text(paper.page(note, size=size, signed_at=signed_at))
        self.stdout.write(f"The head of {size} events is in {options['file']}")
        return 0


def told(result: Result) -> dict[str, Any]:
    """A result as one JSON object."""
    newest = result.newest
    return {
        "verified": result.is_good,
        "start": result.start,
        "size": result.size,
        "root": result.root.hex(),
        "signed": newest.size,
        "signed_at": newest.signed_at.isoformat() if newest.signed_at else None,
        "witnesses": [
            {"name": name, "size": size, "at": datetime.fromtimestamp(at, UTC).isoformat()}
            for name, size, at in newest.cosigned
        ],
        "macs": result.macs_checked,
        "seconds": round(result.seconds, 3),
        "damage": [asdict(one) for one in result.report.damage.values()],
        "notes": result.report.notes,
    }


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a time: write 2026-11-24T09:30") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
