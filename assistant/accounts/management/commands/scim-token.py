"""`manage.py scim-token create [--name N] | revoke ID [--json]`: what a directory shows us."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID, uuid4

from assistant.accounts.commands import Say, refused
from assistant.accounts.directory import tokens
from compliance.events import Context


class Command(Say):
    """Make a token for provisioning, shown once, or take one back."""

    help = "Tokens with which a directory provisions people over SCIM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a token and show it once")
        create.add_argument("--name", default="directory", help="what it is for")
        create.add_argument("--json", action="store_true")
        revoke = verbs.add_parser("revoke", help="take a token back")
        revoke.add_argument("id", type=UUID)
        revoke.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        record = Context(request=uuid4())
        if options["verb"] == "create":
            token, words = tokens.create(record, options["name"])
            result = {"id": str(token.id), "name": token.name, "token": words}
            self.show(result, f"{words}\n\nIt is shown only now. Take it back with: {token.id}")
            return
        if not tokens.revoke(record, options["id"]):
            raise refused("There is no such token that still counts.")
        self.show({"id": str(options["id"]), "revoked": True}, "The token no longer counts.")
