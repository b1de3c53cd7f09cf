"""`manage.py evaluate SET… [--as USER] [--questions N] [--json]`: how well the search finds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction

from assistant.access.matters import create_matter
from assistant.accounts.acting import acting_as
from assistant.accounts.commands import Say, cannot
from assistant.accounts.identity import entered
from assistant.accounts.models import Role, User
from assistant.documents.evaluate import Index, Scores, evaluate
from assistant.documents.question_sets import QuestionSet, UnknownSet, load


class _Undo(Exception):
    """Takes the evaluation's documents away again."""


class Command(Say):
    """Take each set in, ask its questions, print the scores; nothing of it stays."""

    help = "Measure retrieval on question sets, beside plain BM25."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sets", nargs="+", type=Path, help="files NAME_questions.jsonl")
        parser.add_argument("--as", dest="user", help="a knowledge manager; default: any")
        parser.add_argument("--questions", type=int, default=0, help="only the first N of each set")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sets = [load(path) for path in options["sets"]]
        except UnknownSet as error:
            raise cannot(str(error)) from error
        user = options["user"] or _a_knowledge_manager()
        with acting_as(user, command="evaluate") as acting:
            for asked in sets:
                self._one(acting, asked, options["questions"])

    def _one(self, acting: Any, asked: QuestionSet, most: int) -> None:
        if most:
            asked = QuestionSet(
                name=asked.name, sources=asked.sources, questions=asked.questions[:most]
            )
        self.tell(f"{asked.name}: taking in {len(asked.sources)} documents…")
        ours: Scores | None = None
        theirs: Scores | None = None
        try:
            with entered(acting.token), transaction.atomic():
                matter = create_matter(
                    acting.record,
                    acting.user,
                    reference=f"evaluation-{uuid4().hex[:8]}",
                    name=asked.name,
                )
                index = Index(acting.user, matter)
                for source in asked.sources:
                    index.add(source)
                ours, theirs = evaluate(index, asked)
                # Rolled back on purpose: an evaluation leaves no documents behind.
                raise _Undo
        except _Undo:
            pass
        assert ours is not None, "set before _Undo"
        assert theirs is not None, "set before _Undo"
        for name, scores in (("cloister", ours), ("bm25", theirs)):
            result = {"set": asked.name, "system": name, "questions": len(asked.questions)}
            words = "  ".join(f"{key} {value:.3f}" for key, value in scores.as_json().items())
            self.show(result | scores.as_json(), f"{asked.name:<14}{name:<10}{words}")


def _a_knowledge_manager() -> str:
    user = User.objects.filter(roles__contains=[Role.KNOWLEDGE_MANAGER], is_active=True).first()
    if user is None:
        raise cannot("There is no knowledge manager. Make one, or name somebody with --as.")
    return user.username
