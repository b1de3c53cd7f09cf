"""`manage.py review open --due DAY --as USER`, `list --as USER`, `close [ID --as USER]`.

Without an id, `close` closes those whose due date has passed; for that nobody need be named.
"""

from argparse import ArgumentParser
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from assistant.access import reviews
from assistant.access.errors import Missing
from assistant.accounts.acting import NoSuchPerson, acting_as
from assistant.accounts.commands import Say, cannot, refused
from assistant.accounts.identity import entered
from compliance.events import Context
from compliance.log import NotRecorded

NOT_FOUND = "There is no such review for this person. Act as a privacy officer."


class Command(Say):
    """Access reviews from the command line, with a privacy officer's rights."""

    help = "Open, list and close reviews of who is in which matter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["open", "list", "close"])
        parser.add_argument("id", nargs="?", help="of the review to close")
        parser.add_argument("--as", dest="user", help="the privacy officer to act as")
        parser.add_argument("--due", help="the last day, such as 2027-01-31")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (NoSuchPerson, NotRecorded) as error:
            raise refused(str(error)) from error
        except Missing as error:
            raise refused(NOT_FOUND) from error
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from error

    def _run(self, options: dict[str, Any]) -> None:
        what = options["what"]
        if what == "close" and not options["id"]:
            closed = reviews.close_due()
            self.show({"closed": closed}, f"{closed} reviews were due and are closed.")
            return
        if not options["user"]:
            raise cannot("Say as whom: --as with a privacy officer's name.")
        wanted, due = _id(options["id"]), _day(options["due"])
        with acting_as(options["user"], command=f"review_{what}") as acting, entered(acting.token):
            if what == "open":
                self._open(acting.record, due)
            elif what == "close" and wanted is not None:
                self._close(acting.record, wanted)
            else:
                for each in reviews.reviews():
                    self._show(each)

    def _open(self, record: Context, due: date | None) -> None:
        if due is None:
            raise cannot("Say until when: --due with a day such as 2027-01-31.")
        self._show(reviews.progress_of(reviews.open_review(record, due=due).pk))

    def _close(self, record: Context, review_id: UUID) -> None:
        ended = reviews.close_review(record, review_id)
        self.show(
            {"id": review_id, "state": "closed", "expired": ended},
            f"The review is closed. {ended} places that nobody confirmed ended.",
        )

    def _show(self, review: reviews.Progress) -> None:
        state = "closed" if review.closed_at else "open"
        result = {
            "id": review.id,
            "state": state,
            "opened_at": review.opened_at.isoformat(),
            "due_at": review.due_at.isoformat(),
            "places": review.places,
            "confirmed": review.confirmed,
            "removed": review.removed,
            "undecided": review.undecided,
        }
        words = (
            f"{review.id}  {state}, due {review.due_at:%Y-%m-%d %H:%M} UTC: "
            f"{review.places} places, {review.confirmed} confirmed, {review.removed} removed, "
            f"{review.undecided} undecided"
        )
        self.show(result, words)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise cannot("Give the id that `review list` shows.") from error


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise cannot("Write the day as 2027-01-31.") from error
