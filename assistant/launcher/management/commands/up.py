"""`manage.py up`: start and watch everything this machine needs."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from assistant.config import CHECKOUT


class Command(BaseCommand):
    """Hand over to the launcher, which stays in memory without Django."""

    help = "Start and watch PostgreSQL, Valkey, workers, web and models, until Ctrl-C."
    # The database does not run yet: nothing may be asked of it.
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The same words that the launcher itself takes."""
        parser.add_argument("--port", type=int, help="port of the web server")
        parser.add_argument("--no-model", action="store_true", help="start without vLLM")
        parser.add_argument("--demo", action="store_true", help="demo content on first start")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process."""
        words = [sys.executable, "-m", "assistant.launcher"]
        if options["port"]:
            words += ["--port", str(options["port"])]
        words += ["--no-model"] * options["no_model"] + ["--demo"] * options["demo"]
        os.chdir(CHECKOUT)
        os.execv(sys.executable, words)
