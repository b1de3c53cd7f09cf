"""`manage.py document text ID --as USER`: the characters that citations count in."""

import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from assistant.access.errors import Missing
from assistant.accounts.acting import NoSuchPerson, acting_as
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.identity import entered
from assistant.documents.access import document_for
from assistant.documents.library import whole_text


class Command(Say):
    """Print a document's text, exactly: no line end is added."""

    help = "Show a document as a person may see it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["text"])
        parser.add_argument("id")
        parser.add_argument("--as", dest="user", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting_as(options["user"], command="document") as acting, entered(acting.token):
                text = whole_text(acting.record, document_for(UUID(options["id"])))
        except NoSuchPerson as error:
            raise cannot(str(error)) from error
        except (Missing, ValueError) as error:
            raise refused("There is no such document for this person.") from error
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
