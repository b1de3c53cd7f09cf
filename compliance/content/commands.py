"""What `manage.py audit erase` and `manage.py audit hold` do; the command is in management/.

    audit erase (--event E | --matter M | --person P) --reason R --as OFFICER [--approved-by A]
    audit erase --approve ID --as AUDITOR        audit erase --list --as USER
    audit hold place --reference N --reason R [--matter M] [--person P] [--from T] [--to T] --as U
    audit hold lift ID --reason R --as USER      audit hold list [--all] --as USER

How a command acts as a person is the caller's: settings name it (RECORD_ACTING_AS).
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from compliance.content import erase, holds
from compliance.content.covered import Scope
from compliance.events import Context
from compliance.keyring import KeysUnavailable
from compliance.models import Erasure, Hold
from compliance.shape import ComplianceError, NotRecorded

REFUSED, CANNOT = 1, 2

Show = Callable[[dict[str, Any], str], None]
"""Prints a result: as an object, or as words for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """Somebody a command acts as: the context of events, and a way into their identity."""

    record: Context
    token: str


def erase_arguments(parser: ArgumentParser) -> None:
    """The arguments of `audit erase`."""
    parser.add_argument("--event", type=UUID, help="the event whose content is erased")
    parser.add_argument("--matter", type=UUID, help="the id of a matter: all its recorded content")
    parser.add_argument("--person", help="a sign-in name or id: what they wrote and were shown")
    parser.add_argument("--reason", default="", help="why, in writing; kept as locked content")
    parser.add_argument("--as", dest="user", required=True, help="the account that acts")
    parser.add_argument("--approved-by", help="the auditor who approves it now")
    parser.add_argument("--approve", type=UUID, metavar="ID", help="approve and carry out this one")
    parser.add_argument("--list", action="store_true", help="what waits for an approval")
    parser.add_argument("--json", action="store_true")


def hold_arguments(parser: ArgumentParser) -> None:
    """The arguments of `audit hold`."""
    parser.add_argument("what", choices=["place", "lift", "list"])
    parser.add_argument("id", nargs="?", type=UUID, help="the hold to lift")
    parser.add_argument("--reference", default="", help="what the house calls it")
    parser.add_argument("--reason", default="", help="why, in writing; kept as locked content")
    parser.add_argument("--matter", type=UUID, help="the id of a matter")
    parser.add_argument("--person", help="a sign-in name or id")
    parser.add_argument("--from", dest="since", type=_time, help="from this time on (UTC)")
    parser.add_argument("--to", dest="until", type=_time, help="before this time (UTC)")
    parser.add_argument("--all", action="store_true", help="also those that were lifted")
    parser.add_argument("--as", dest="user", required=True, help="the account that acts")
    parser.add_argument("--json", action="store_true")


def run_erase(options: dict[str, Any], show: Show) -> None:
    """`manage.py audit erase`. Raises CommandError with the exit code."""
    with _answered():
        if options["list"]:
            with _acting(options["user"], "audit-erase") as session, _entered(session):
                for erasure in erase.waiting():
                    show(_as_dict(erasure), _waits(erasure))
        elif options["approve"]:
            _approve(options["user"], options["approve"], show)
        else:
            erasure = _ask(options)
            if options["approved_by"]:
                _approve(options["approved_by"], erasure.id, show)
            else:
                show(_as_dict(erasure), _waits(erasure))


def run_hold(options: dict[str, Any], show: Show) -> None:
    """`manage.py audit hold`. Raises CommandError with the exit code."""
    with _answered(), _acting(options["user"], "audit-hold") as session, _entered(session):
        if options["what"] == "place":
            placed = holds.place(
                session.record,
                reference=options["reference"],
                reason=options["reason"],
                matter=options["matter"],
                person=_person(options["person"]),
                since=options["since"],
                until=options["until"],
            )
            _show_hold(placed, show)
        elif options["what"] == "lift":
            if options["id"] is None:
                raise CommandError("Give the id that `audit hold list` shows.", returncode=CANNOT)
            _show_hold(holds.lift(session.record, options["id"], reason=options["reason"]), show)
        else:
            for hold in holds.holds(standing=not options["all"]):
                _show_hold(hold, show)


def _ask(options: dict[str, Any]) -> Erasure:
    given = [scope for scope in Scope if options[scope.value] is not None]
    if len(given) != 1:
        raise CommandError("Give one of --event, --matter and --person.", returncode=CANNOT)
    (scope,) = given
    target = options[scope.value] if scope is not Scope.PERSON else _person(options["person"])
    assert isinstance(target, UUID)
    with _acting(options["user"], "audit-erase") as session, _entered(session):
        return erase.ask(session.record, scope=scope, target=target, reason=options["reason"])


def _approve(auditor: str, erasure_id: UUID, show: Show) -> None:
    with _acting(auditor, "audit-erase") as session:
        # Two transactions: what was approved stands, whatever happens while keys are destroyed.
        with _entered(session):
            erase.approve(session.record, erasure_id)
        with _entered(session):
            done = erase.carry_out(session.record, erasure_id)
    certificate = json.loads(done.certificate)
    left = ", ".join(f"{held} {place}" for place, held in certificate["remains_elsewhere"].items())
    show(
        {**_as_dict(done), "certificate": certificate},
        f"Erased: the content of {certificate['events']} events "
        f"({certificate['keys_destroyed']} keys destroyed). {done.certificate}\n"
        + (f"Not touched, the application's own tables hold {left}." if left else ""),
    )


def _as_dict(erasure: Erasure) -> dict[str, Any]:
    return {
        "erasure": erasure.id,
        "scope": erasure.scope,
        "target": erasure.target,
        "state": "done" if erasure.done_at else "approved" if erasure.approved_at else "asked",
        "asked_by": erasure.asked_by,
        "asked_at": erasure.asked_at.isoformat(),
    }


def _waits(erasure: Erasure) -> str:
    return (
        f"{erasure.id}  {erasure.scope} {erasure.target} waits for an auditor: "
        f"manage.py audit erase --approve {erasure.id} --as AUDITOR"
    )


def _show_hold(hold: Hold, show: Show) -> None:
    kept = {
        "matter": hold.matter,
        "person": hold.person,
        "from": hold.since.isoformat() if hold.since else None,
        "to": hold.until.isoformat() if hold.until else None,
    }
    state = "lifted" if hold.lifted_at else "stands"
    result = {"hold": hold.id, "reference": hold.reference, "state": state, **kept}
    what = ", ".join(f"{name} {value}" for name, value in kept.items() if value)
    show(result, f"{hold.id}  {hold.reference}: {what} ({state})")


@contextmanager
def _answered() -> Iterator[None]:
    """Turn what went wrong into words and an exit code."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(" ".join(error.messages), returncode=CANNOT) from error
    except KeysUnavailable as error:
        raise CommandError(f"{error} Run it again.", returncode=CANNOT) from error
    except NotRecorded as error:
        raise CommandError(f"Nothing was changed: {error}", returncode=REFUSED) from error
    except ComplianceError as error:
        raise CommandError(str(error), returncode=REFUSED) from error


@contextmanager
def _acting(name: str, command: str) -> Iterator[_Session]:
    """Act as somebody, which is on record."""
    known = get_user_model().objects.filter(username__iexact=name.strip(), is_active=True)
    if not known.exists():
        raise CommandError(f"There is no active account called {name.strip()}.", returncode=CANNOT)
    with import_string(settings.RECORD_ACTING_AS)(name, command=command) as acting:
        yield _Session(record=acting.record, token=acting.token)


@contextmanager
def _entered(session: _Session) -> Iterator[None]:
    with import_string(settings.RECORD_ENTERED)(session.token):
        yield


def _person(name: str | None) -> UUID | None:
    """An account's id by sign-in name or by itself."""
    if name is None:
        return None
    try:
        return UUID(name)
    except ValueError:
        pass
    found = get_user_model().objects.filter(username__iexact=name.strip())
    public_id: UUID | None = found.values_list("public_id", flat=True).first()
    if public_id is None:
        raise CommandError(f"There is no account called {name.strip()}.", returncode=CANNOT)
    return public_id


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
