"""`manage.py ingest PATH… --matter M [--as USER] [--wait] [--json]`: take files into a matter."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from assistant.access.errors import Missing
from assistant.access.matters import matter_named
from assistant.access.upkeep import lead_of
from assistant.accounts.acting import Acting, NoSuchPerson, acting_as
from assistant.accounts.commands import Say, cannot, leave, refused
from assistant.accounts.identity import entered
from assistant.documents import intake, tasks
from assistant.documents.ingest import ingest
from assistant.documents.models import WORKING, State, Version
from assistant.documents.parse import Rejected

LOOK_SECONDS = 0.3
PIECE_BYTES = 1 << 20


class Command(Say):
    """Store each file, hand it to the document workers, and with --wait tell what became of it."""

    help = "Take files or folders into a matter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, help="files or folders")
        parser.add_argument("--matter", required=True, help="reference or id")
        parser.add_argument("--as", dest="user", help="who uploads; default: the matter's lead")
        parser.add_argument("--wait", action="store_true", help="until all are read")
        parser.add_argument("--here", action="store_true", help="read in this process")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        files = list(_files(options["paths"]))
        try:
            user = options["user"] or lead_of(options["matter"])
            with acting_as(user, command="ingest") as acting:
                taken = [self._take(acting, options["matter"], path) for path in files]
                self._finish(acting, taken, options)
        except NoSuchPerson as error:
            raise cannot(str(error)) from error
        except Missing as error:
            raise refused(f"There is no matter {options['matter']} for this person.") from error
        except ValidationError as error:
            raise cannot(" ".join(error.messages)) from error

    def _take(self, acting: Acting, matter_name: str, path: Path) -> dict[str, Any]:
        try:
            blob = intake.store_upload(_pieces(path))
            with entered(acting.token):
                matter = matter_named(matter_name)
                version, is_new = intake.accept_upload(
                    acting.record, acting.user, matter, name=path.name, blob=blob
                )
                if is_new:
                    transaction.on_commit(lambda: self._begin(version))
        except Rejected as refusal:
            return {"path": str(path), "state": State.REJECTED, "reason": refusal.reason}
        return {"path": str(path), "version": version.id}

    def _begin(self, version: Version) -> None:
        if not self._here:
            tasks.wake(version.id)

    def _finish(
        self, acting: Acting, taken: list[dict[str, Any]], options: dict[str, Any]
    ) -> None:
        rejected = False
        for entry in taken:
            if "version" in entry:
                entry |= self._wait(acting, entry["version"], options)
            rejected = rejected or entry["state"] == State.REJECTED
            result = {"document": None, "pages": 0, "passages": 0, "reason": "", **entry}
            self.show(
                result,
                f"{result['state']:<10} {result['pages']:>4} pages {result['passages']:>5} "
                f"passages  {result['path']}  {result['reason']}",
            )
        leave(1 if rejected else 0)

    def _wait(self, acting: Acting, version_id: Any, options: dict[str, Any]) -> dict[str, Any]:
        if self._here:
            ingest(version_id)
        while True:
            with entered(acting.token):
                version = Version.objects.defer("text").get(pk=version_id)
            if version.state not in WORKING or not options["wait"]:
                return {
                    "document": version.document_id,
                    "version": version.id,
                    "state": version.state,
                    "pages": version.page_count,
                    "passages": version.passage_count,
                    "reason": version.reason,
                    "seconds": version.seconds,
                }
            time.sleep(LOOK_SECONDS)

    def execute(self, *args: Any, **options: Any) -> Any:
        self._here = bool(options.get("here"))
        return super().execute(*args, **options)


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file())
        elif path.is_file():
            yield path
        else:
            raise cannot(f"{path} is neither a file nor a folder.")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
