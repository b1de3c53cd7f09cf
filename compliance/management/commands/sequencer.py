"""`manage.py sequencer`: number the record's events, as `manage.py up` does by itself."""

from typing import Any

from compliance.ledger.commands import LedgerProcess


class Command(LedgerProcess):
    """Becomes the sequencer, which carries no Django. A second one waits for the first to end."""

    help = "Number the record's events until stopped."
    part = "sequencer"

    def handle(self, *args: Any, **options: Any) -> None:
        self.become()
