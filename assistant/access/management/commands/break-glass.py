"""`manage.py break-glass list [--all] [--json]` and `break-glass end ID [--by USER] [--json]`."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from assistant.access.errors import Missing
from assistant.access.models import Emergency
from assistant.access.upkeep import emergencies, end_emergency
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.models import User
from compliance.log import NotRecorded


class Command(Say):
    """What the operator on the host sees and stops. Reasons stay with those who decide."""

    help = "List break-glass that is open or waits for a decision; end one at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["list", "end"])
        parser.add_argument("id", nargs="?", help="of the break-glass to end")
        parser.add_argument("--all", action="store_true", help="also what is over")
        parser.add_argument("--by", help="the account of whoever decided to end it")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "end":
            self._end(options)
            return
        now = timezone.now()
        for emergency in emergencies():
            state = _state(emergency, now)
            if options["all"] or state in ("open", "waiting"):
                self._show(emergency, state)

    def _end(self, options: dict[str, Any]) -> None:
        try:
            wanted = UUID(options["id"] or "")
        except ValueError as error:
            raise cannot("Give the id that `break-glass list` shows.") from error
        by = _account(options["by"]) if options["by"] else None
        try:
            emergency = end_emergency(wanted, by=by)
        except Missing as error:
            raise refused(f"There is no break-glass {wanted}.") from error
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error
        except NotRecorded as error:
            raise refused(f"Nothing was changed: {error}") from error
        self._show(emergency, "ended")

    def _show(self, emergency: Emergency, state: str) -> None:
        until = emergency.expires_at
        result = {
            "id": emergency.pk,
            "person": emergency.person.username,
            "matter": emergency.matter_id,
            "document": emergency.document_id,
            "why": emergency.why,
            "state": state,
            "asked_at": emergency.asked_at.isoformat(),
            "until": until.isoformat() if until else None,
        }
        till = f", until {until:%Y-%m-%d %H:%M} UTC" if until else ""
        what = f"document {emergency.document_id} of " if emergency.document_id else ""
        words = (
            f"{emergency.pk}  {state}: {emergency.person.username} on {what}matter "
            f"{emergency.matter_id} ({emergency.why}){till}"
        )
        self.show(result, words)


def _state(emergency: Emergency, now: datetime) -> str:
    if emergency.is_open(now):
        return "open"
    return "waiting" if emergency.waits(now) else "over"


def _account(name: str) -> User:
    person = User.objects.filter(username__iexact=name.strip()).first()
    if person is None:
        raise refused(f"There is no account called {name.strip()}.")
    return person
