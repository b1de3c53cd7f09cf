"""`manage.py barrier raise|lift|list`: walls, seals and restricted lists, from the host.

    barrier raise --kind wall|seal|list (--matter M | --client C | --document ID | --name N …)
                  [--person U …] [--group G …] --reason R [--by USER] [--preview]
                  [--leave-without-lead] [--json]
    barrier lift ID --reason R [--by USER] [--json]
    barrier list [--json]
"""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from assistant.access import barriers as verbs
from assistant.access.barriers import OPERATOR, Draft, Effect
from assistant.access.errors import Missing
from assistant.access.models import Barrier, Client, Kind
from assistant.access.people import named_in
from assistant.accounts.commands import Say, refused
from assistant.accounts.models import Group, User
from compliance.events import Context
from compliance.log import NotRecorded


class Command(Say):
    """Raise, lift and list barriers as the operator. They hold from the next query on."""

    help = "Raise, lift and list walls, seals and restricted lists."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        raising = what.add_parser("raise")
        raising.add_argument("--kind", required=True, choices=[kind.value for kind in Kind])
        place = raising.add_mutually_exclusive_group(required=True)
        place.add_argument("--matter", help="reference or id")
        place.add_argument("--client", help="name")
        place.add_argument("--document", help="id")
        place.add_argument("--name", action="append", help="documents that speak of it; repeatable")
        raising.add_argument("--person", action="append", default=[], help="whom it names")
        raising.add_argument("--group", action="append", default=[], help="a group it names")
        raising.add_argument("--preview", action="store_true", help="say what it would do, no more")
        raising.add_argument("--leave-without-lead", action="store_true")
        lifting = what.add_parser("lift")
        lifting.add_argument("barrier", help="its id, see `barrier list`")
        for each in (raising, lifting):
            each.add_argument("--reason", default="", help="why; kept with the barrier")
            each.add_argument("--by", help="the account of whoever decided it")
        for each in (raising, lifting, what.add_parser("list")):
            each.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(options)
        except Missing as error:
            raise refused("There is no such matter, client or barrier.") from error
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error
        except NotRecorded as error:
            raise refused(f"Nothing was changed: {error}") from error

    def _raise(self, options: dict[str, Any]) -> None:
        draft = _draft(options)
        if options["preview"]:
            self._show_effect(verbs.effect(draft, using=OPERATOR))
            return
        by = _account(options["by"])
        raised = verbs.raise_barrier(
            Context(actor=by.public_id if by else None),
            draft,
            reason=options["reason"],
            by=by,
            leave_without_lead=options["leave_without_lead"],
            using=OPERATOR,
        )
        self._show(raised)

    def _lift(self, options: dict[str, Any]) -> None:
        by = _account(options["by"])
        lifted = verbs.lift_barrier(
            Context(actor=by.public_id if by else None),
            _uuid(options["barrier"]),
            reason=options["reason"],
            by=by,
            using=OPERATOR,
        )
        self._show(lifted)

    def _list(self, options: dict[str, Any]) -> None:
        for each in verbs.barriers(Context(), using=OPERATOR):
            self._show(each)

    def _show(self, barrier: Barrier) -> None:
        state = "raised" if barrier.lifted_at is None else "lifted"
        around = barrier.matter_id or barrier.client_id or barrier.document_id or barrier.names
        result = {
            "barrier": barrier.id,
            "kind": barrier.kind,
            "state": state,
            "around": around,
            "raised_at": barrier.raised_at.isoformat(),
            "lifted_at": barrier.lifted_at.isoformat() if barrier.lifted_at else None,
        }
        self.show(result, f"{barrier.id}  {barrier.kind}  {state}  around {around}")

    def _show_effect(self, effect: Effect) -> None:
        for row in effect.closed:
            loses = "everything" if row.whole else f"{row.documents} documents"
            result = {
                "person": row.username,
                "matter": row.reference,
                "documents": row.documents,
                "whole": row.whole,
            }
            self.show(result, f"{row.username} would lose {loses} of {row.reference}")
        if effect.leaderless:
            self.tell(f"Without a lead: {', '.join(effect.leaderless)}")


def _draft(options: dict[str, Any]) -> Draft:
    people, _ = named_in(",".join(options["person"]))
    return Draft(
        kind=Kind(options["kind"]),
        matter=verbs.matter_id_of(options["matter"]) if options["matter"] else None,
        client=_client(options["client"]) if options["client"] else None,
        document=_uuid(options["document"]) if options["document"] else None,
        names=verbs.names_in("\n".join(options["name"] or [])),
        people=people,
        groups=tuple(_group(name) for name in options["group"]),
    )


def _client(name: str) -> UUID:
    found = Client.objects.using(OPERATOR).filter(name=name).first()
    if found is None:
        raise Missing
    return found.id


def _group(name: str) -> Group:
    found = list(Group.objects.filter(name=name)[:2])
    if len(found) != 1:
        raise ValidationError(f"There is not exactly one group called {name}.")
    return found[0]


def _account(name: str | None) -> User | None:
    return named_in(name)[0][0] if name else None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ValidationError(f"{text} is no id.") from error
