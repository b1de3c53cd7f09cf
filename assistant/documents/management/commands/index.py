"""`manage.py index train|show [--json]`: the cells that searches in large collections need."""

from argparse import ArgumentParser
from typing import Any

from assistant.accounts.commands import Say, refused
from assistant.documents.index import CannotTrain, IndexState, state, train
from compliance.log import NotRecorded


class Command(Say):
    """Show whether the index fits the collection, or make its cells anew."""

    help = "Show or train the search index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["train", "show"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = train(tell=self.tell) if options["what"] == "train" else state()
        except (CannotTrain, NotRecorded) as error:
            raise refused(str(error)) from error
        result = {
            "passages": found.passages,
            "cells": found.cells,
            "trained_for": found.trained_for,
            "trained_at": found.trained_at.isoformat() if found.trained_at else None,
            "is_due": found.is_due,
        }
        self.show(result, _words(found))


def _words(found: IndexState) -> str:
    if found.cells:
        about = f"{found.cells} cells, made for {found.trained_for} passages"
    else:
        about = "no cells, every search is exact"
    due = " Run `manage.py index train` in a quiet hour." if found.is_due else ""
    return f"{found.passages} passages; {about}.{due}"
