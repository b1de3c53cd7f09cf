"""`manage.py signer [--make-keys | --begin-anew]`: sign the record's heads."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from compliance.ledger import keys
from compliance.ledger.commands import LedgerProcess
from compliance.ledger.place import Place


class Command(LedgerProcess):
    """Becomes the signer, or makes the keys of a new installation."""

    help = "Sign the record's heads until stopped."
    part = "signer"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--make-keys", action="store_true", help="make the keys and end")
        parser.add_argument(
            "--begin-anew",
            action="store_true",
            help="after an older database was restored: a new log with a new key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_keys"]:
            keys.make(Place(home=settings.HOME))
        elif options["begin_anew"]:
            keys.begin_anew(Place(home=settings.HOME))
        else:
            self.become()
