"""`manage.py signer [--make-keys]`: sign the record's heads, as `manage.py up` does by itself."""

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

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_keys"]:
            keys.make(Place(home=settings.HOME))
        else:
            self.become()
