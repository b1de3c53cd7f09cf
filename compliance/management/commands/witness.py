"""`manage.py witness request|accept`: carry a head to a witness by hand, and its line back.

The witness itself needs no Django: `python -m compliance.ledger.witness`.
"""

import sys
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compliance.ledger import witnessing
from compliance.ledger.database import Database, connect
from compliance.ledger.errors import Damaged
from compliance.ledger.place import Place
from compliance.ledger.witnessing import Witness
from compliance.verify import NotValid

CANNOT = 2
_NEWEST = "SELECT size, note FROM compliance_checkpoint ORDER BY size DESC LIMIT 1"
_SIGNED = "SELECT coalesce(max(size), 0) FROM compliance_cosignature WHERE witness = %s"
_NOTE = "SELECT note FROM compliance_checkpoint WHERE size = %s"


class Command(BaseCommand):
    """Speaks for this installation to a witness that no cable leads to."""

    help = "Write a request for a witness, or take in its reply."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        doing = parser.add_subparsers(dest="do", required=True)
        request = doing.add_parser("request", help="on standard output, for `witness add`")
        accept = doing.add_parser("accept", help="the reply, from standard input")
        accept.add_argument("size", type=int, help="of the head that was carried")
        for one in (request, accept):
            one.add_argument("witness", help="its name in ledger/witnesses")

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place(home=settings.HOME)
        known = {one.key.name: one for one in witnessing.read_witnesses(place)}
        witness = known.get(options["witness"])
        if witness is None:
            raise CommandError(
                f"{options['witness']} is not in {place.witnesses}.", returncode=CANNOT
            )
        try:
            with connect(settings.LEDGER_DATABASES["signer"], name="witness") as database:
                if options["do"] == "request":
                    self._request(database, witness)
                else:
                    self._accept(database, witness, options["size"])
        except (psycopg.Error, Damaged, NotValid) as error:
            raise CommandError(str(error), returncode=CANNOT) from error

    def _request(self, database: Database, witness: Witness) -> None:
        newest = database.execute(_NEWEST).fetchone()
        if newest is None:
            raise CommandError("Nothing is signed yet.", returncode=CANNOT)
        size, note = newest
        row = database.execute(_SIGNED, [witness.key.name]).fetchone()
        old = row[0] if row else 0
        self.stdout.write(witnessing.request(database, old, size, note), ending="")
        self.stderr.write(f"The size is {size}.")

    def _accept(self, database: Database, witness: Witness, size: int) -> None:
        row = database.execute(_NOTE, [size]).fetchone()
        if row is None:
            raise CommandError(f"There is no checkpoint of {size} events.", returncode=CANNOT)
        witnessing.accept(database, witness.key, size, row[0], sys.stdin.read())
        self.stdout.write(f"{witness.key.name} has signed the head of {size} events.")
