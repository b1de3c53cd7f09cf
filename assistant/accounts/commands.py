"""What commands share: objects on standard output, words on standard error, three exit codes."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

REFUSED = 1
CANNOT = 2


class Say(BaseCommand):
    """A command that prints results or, with `--json`, one JSON object a line."""

    # Django's checks load every page's code, a fifth of a search's time; `prepare` runs them at
    # each start of the installation.
    requires_system_checks: list[str] = []  # noqa: RUF012
    as_json = False

    def execute(self, *args: Any, **options: Any) -> Any:
        self.as_json = bool(options.get("json"))
        return super().execute(*args, **options)

    def show(self, result: dict[str, Any], words: str) -> None:
        """Print a result: the object, or the words for a person."""
        if self.as_json:
            self.stdout.write(json.dumps(result, ensure_ascii=False, default=str))
        else:
            self.stdout.write(words)

    def tell(self, words: str) -> None:
        """Print a message beside the results."""
        self.stderr.write(words)


def refused(words: str) -> CommandError:
    """The answer is no."""
    return CommandError(words, returncode=REFUSED)


def cannot(words: str) -> CommandError:
    """Wrong usage, or it cannot run."""
    return CommandError(words, returncode=CANNOT)


def leave(code: int) -> None:
    """End a command with this code after its results were printed."""
    if code:
        sys.exit(code)
