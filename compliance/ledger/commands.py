"""What the ledger's commands share."""

import os
import sys
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand

from compliance.ledger.database import ADDRESS_VARIABLE


class LedgerProcess(BaseCommand):
    """A command that turns into a process of the ledger."""

    requires_system_checks: list[str] = []  # noqa: RUF012
    part = ""

    def become(self) -> NoReturn:
        """Replace this process by the part, with its own address of the database."""
        variables: dict[str, Any] = {
            ADDRESS_VARIABLE: settings.LEDGER_DATABASES[self.part],
            "CLOISTER_HOME": str(settings.HOME),
        }
        words = [sys.executable, "-m", f"compliance.ledger.{self.part}"]
        os.execve(sys.executable, words, os.environ | variables)  # noqa: S606
