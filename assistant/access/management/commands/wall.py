"""`manage.py wall raise|lift --person U --matter M --reason R [--by USER] [--json]`.

`raise` takes `--leave-without-lead`. `manage.py barrier` does the same for every other barrier.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError

from assistant.access.barriers import (
    OPERATOR,
    Draft,
    lift_barrier,
    matter_id_of,
    raise_barrier,
    wall_between,
)
from assistant.access.errors import Missing
from assistant.access.models import Barrier, Kind
from assistant.accounts.commands import Say, refused
from assistant.accounts.models import User
from compliance.events import Context
from compliance.log import NotRecorded


class Command(Say):
    """Keep a person out of a matter, or no longer. It holds from the person's next query on."""

    help = "Raise or lift an ethical wall between a person and a matter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["raise", "lift"])
        parser.add_argument("--person", required=True, help="the name they sign in with")
        parser.add_argument("--matter", required=True, help="reference or id")
        parser.add_argument("--reason", required=True, help="why; kept with the wall")
        parser.add_argument("--by", help="the account of whoever decided it")
        parser.add_argument(
            "--leave-without-lead",
            action="store_true",
            help="raise it even if nobody is left to say who is a member",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        person = account(options["person"])
        try:
            wall = _change(person, options)
        except Missing as error:
            raise refused(
                f"There is no matter {options['matter']}. Where Cloister has a single database "
                "role, give the matter's id."
            ) from error
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error
        except NotRecorded as error:
            raise refused(f"Nothing was changed: {error}") from error
        standing = wall.lifted_at is None
        result = {
            "barrier": wall.id,
            "person": person.username,
            "matter": wall.matter_id,
            "state": "raised" if standing else "lifted",
            "raised_at": wall.raised_at.isoformat(),
            "lifted_at": wall.lifted_at.isoformat() if wall.lifted_at else None,
        }
        held = "stands" if standing else "no longer stands"
        self.show(result, f"A wall {held} between {person.username} and {options['matter']}.")


def account(name: str) -> User:
    """The account of this name, or the command is refused."""
    person = User.objects.filter(username__iexact=name.strip()).first()
    if person is None:
        raise refused(f"There is no account called {name.strip()}.")
    return person


def _change(person: User, options: dict[str, Any]) -> Barrier:
    by = account(options["by"]) if options["by"] else None
    record = Context(actor=by.public_id if by else None)
    matter_id, reason = matter_id_of(options["matter"]), options["reason"]
    standing = wall_between(matter_id, person)
    if options["what"] == "lift":
        if standing is None:
            raise ValidationError(f"No wall stands between {person} and this matter.")
        return lift_barrier(record, standing.id, reason=reason, by=by, using=OPERATOR)
    if standing is not None:
        raise ValidationError(f"A wall between {person} and this matter stands already.")
    return raise_barrier(
        record,
        Draft(kind=Kind.WALL, matter=matter_id, people=(person,)),
        reason=reason,
        by=by,
        leave_without_lead=options["leave_without_lead"],
        using=OPERATOR,
    )
