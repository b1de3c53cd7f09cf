"""`manage.py wall raise|lift --person U --matter M --reason R [--by USER] [--json]`.

`raise` takes `--leave-without-lead`.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError

from assistant.access.errors import Missing
from assistant.access.models import Wall
from assistant.access.walls import lift_wall, matter_id_of, raise_wall
from assistant.accounts.commands import Say, refused
from assistant.accounts.models import User
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
        person = _account(options["person"])
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
            "person": person.username,
            "matter": wall.matter_id,
            "state": "raised" if standing else "lifted",
            "raised_at": wall.raised_at.isoformat(),
            "lifted_at": wall.lifted_at.isoformat() if wall.lifted_at else None,
        }
        held = "stands" if standing else "no longer stands"
        self.show(result, f"A wall {held} between {person.username} and {options['matter']}.")


def _change(person: User, options: dict[str, Any]) -> Wall:
    by = _account(options["by"]) if options["by"] else None
    matter_id, reason = matter_id_of(options["matter"]), options["reason"]
    if options["what"] == "lift":
        return lift_wall(matter_id, person, reason=reason, by=by)
    return raise_wall(
        matter_id,
        person,
        reason=reason,
        by=by,
        leave_without_lead=options["leave_without_lead"],
    )


def _account(name: str) -> User:
    person = User.objects.filter(username__iexact=name.strip()).first()
    if person is None:
        raise refused(f"There is no account called {name.strip()}.")
    return person
