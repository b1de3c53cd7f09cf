"""`manage.py prepare_database [--new-passwords] [--json]`: an external PostgreSQL, made ready."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from assistant.accounts.commands import Say, cannot
from assistant.accounts.external_database import Kind, Prepared, Unfit, prepare
from assistant.config import get_config

WORDS = {
    Kind.GIVEN: "The database is fit; the application uses the role {app} that was given.",
    Kind.MADE: "The database is fit; the application uses the role {app} that was made for it.",
    Kind.SINGLE: "The database is fit; everything uses the one role {owner}.",
}


class Command(Say):
    """Check an external PostgreSQL and settle its roles, before `migrate`. Safe to repeat."""

    help = "Check the database in DATABASE_URL and make the application's roles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new-passwords", action="store_true", help="for the roles made here, when lost"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        if not config.database_url:
            self.tell("The database is the embedded one; `manage.py up` prepares it.")
            return
        try:
            prepared = prepare(config, new_passwords=options["new_passwords"])
        except Unfit as error:
            raise cannot(str(error)) from error
        _tell_this_process(prepared)
        if prepared.warning:
            self.tell(prepared.warning)
        result = {
            "kind": prepared.kind,
            "owner": prepared.owner,
            "app": prepared.app,
            "signin": prepared.signin,
        }
        self.show(result, WORDS[prepared.kind].format(app=prepared.app, owner=prepared.owner))


def _tell_this_process(prepared: Prepared) -> None:
    """Roles made just now were not there when the settings were read; `migrate` grants to them."""
    settings.CLOISTER_DB_ROLES.update(
        owner=prepared.owner,
        app=prepared.app,
        signin=prepared.signin,
        sequencer=prepared.sequencer,
        signer=prepared.signer,
    )
