"""`manage.py search "words" --as USER [--matter M] [--purpose P] [-k N] [--json]`.

Lists what this person may find.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from assistant.access.errors import Missing
from assistant.access.matters import matter_named
from assistant.access.purposes import act_for
from assistant.accounts.acting import Acting, NoSuchPerson, acting_as
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.identity import entered
from assistant.documents import admission, retrieve, vectors
from compliance import log
from compliance.events import SearchRan


class Command(Say):
    """Search as a person; nothing else than that person's passages can come out."""

    help = "Search passages as a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("words")
        parser.add_argument("--as", dest="user", required=True)
        parser.add_argument("--matter", help="reference or id; default: all the person's matters")
        parser.add_argument("--purpose", help="for what the person reads; default: none")
        parser.add_argument("-k", type=int, default=10, help="how many passages")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = _search(
                options,
                waiting=lambda: self.tell("Many are searching at the moment; this waits its turn."),
            )
        except NoSuchPerson as error:
            raise cannot(str(error)) from error
        except Missing as error:
            raise refused(f"There is no matter {options['matter']} for this person.") from error
        except ValidationError as error:
            raise cannot(" ".join(error.messages)) from error
        for place, passage in enumerate(found, start=1):
            result = {
                "document": passage.document,
                "version": passage.version,
                "title": passage.title,
                "page": passage.page,
                "start": passage.start,
                "end": passage.end,
                "score": round(passage.score, 6),
                "similarity": round(passage.similarity, 4),
                "text": passage.text,
            }
            self.show(result, f"{place}. {passage.title}, page {passage.page}\n{passage.text}\n")


def _search(options: dict[str, Any], *, waiting: Callable[[], None]) -> list[retrieve.Found]:
    with acting_as(options["user"], command="search") as acting:
        act_for(acting, options["purpose"])
        vector = vectors.embedder().query(options["words"])
        with admission.admitted(waiting=waiting), entered(acting.token):
            return _search_entered(acting, vector, options)


def _search_entered(acting: Acting, vector: Any, options: dict[str, Any]) -> list[retrieve.Found]:
    matter: UUID | None = None
    if options["matter"]:
        matter = matter_named(options["matter"]).id
    found = retrieve.passages_for(
        options["words"], vector, scope=retrieve.scope_of(matter), limit=options["k"]
    )
    log.append(
        SearchRan(
            query=log.commitment(options["words"]).digest,
            k=options["k"],
            shown=len(found),
            documents=tuple(dict.fromkeys(f.document for f in found)),
        ),
        context=replace(acting.record, matter=matter),
        content={"query": options["words"], **retrieve.as_content(found)},
    )
    return found
