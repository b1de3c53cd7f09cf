"""`manage.py audit erase ...` and `audit hold ...`: see compliance/content/commands.py."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from compliance.content import commands


class Command(BaseCommand):
    """What operators do to the record. Results on standard output, with `--json` as objects."""

    help = "Erase recorded content, or hold it."
    # Django's checks load every page's code; `prepare` runs them at each start.
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="do", required=True)
        commands.erase_arguments(what.add_parser("erase", help="destroy keys of content"))
        commands.hold_arguments(what.add_parser("hold", help="keep content from being erased"))

    def handle(self, *args: Any, **options: Any) -> None:
        run = commands.run_erase if options["do"] == "erase" else commands.run_hold

        def show(result: dict[str, Any], words: str) -> None:
            as_json = json.dumps(result, ensure_ascii=False, default=str)
            self.stdout.write(as_json if options["json"] else words)

        run(options, show)
