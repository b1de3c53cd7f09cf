"""`manage.py second_factors show|reset|defer --person U [--days N] [--json]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError

from assistant.accounts import factors, people
from assistant.accounts.commands import Say, refused
from assistant.accounts.models import User
from compliance.events import Context
from compliance.log import NotRecorded

WEEK = 7


class Command(Say):
    """What an operator can do when no administrator can sign in any more."""

    help = "Show or reset somebody's second factors, or let them sign in without for some days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["show", "reset", "defer"])
        parser.add_argument("--person", required=True, help="the name they sign in with")
        parser.add_argument(
            "--days", type=int, default=WEEK, help="for defer; 0 ends the exemption at once"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["person"].strip()
        user = User.objects.filter(username__iexact=name).first()
        if user is None:
            raise refused(f"There is no account called {name}.")
        try:
            if options["what"] == "reset":
                people.reset_second_factors(Context(), user)
            elif options["what"] == "defer":
                people.defer_second_factor(Context(), user, days=options["days"])
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error
        except NotRecorded as error:
            raise refused(f"Nothing was changed: {error}") from error
        self._show(User.objects.get(pk=user.pk))

    def _show(self, user: User) -> None:
        owned, due = factors.owned_by(user), user.second_factor_due_at
        result = {
            "person": user.username,
            "app": owned.app is not None,
            "passkeys": len(owned.passkeys),
            "recovery_codes": owned.codes_left,
            "due_at": due.isoformat() if due else None,
        }
        words = (
            f"{user.username}: {'an app' if owned.app else 'no app'}, {len(owned.passkeys)} "
            f"passkeys, {owned.codes_left} recovery codes; "
            f"{f'needed from {due:%Y-%m-%d %H:%M} UTC on' if due else 'needed at every sign-in'}."
        )
        self.show(result, words)
