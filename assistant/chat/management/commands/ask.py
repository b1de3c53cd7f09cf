"""`manage.py ask "question" --as USER [--matter M] [--purpose P] [--json]`: the whole path."""

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction

from assistant.access.errors import Missing
from assistant.access.matters import matter_named, my_matters
from assistant.access.purposes import act_for
from assistant.accounts.acting import Acting, NoSuchPerson, acting_as
from assistant.accounts.commands import Say, cannot, leave, refused
from assistant.accounts.identity import entered
from assistant.chat import tasks
from assistant.chat.access import answer_for
from assistant.chat.answer import answer
from assistant.chat.ask import accept_question
from assistant.chat.live import stored
from assistant.chat.models import AnswerState
from compliance.log import NotRecorded

LOOK_SECONDS = 0.2
WAIT_SECONDS = 600.0
DONE = (AnswerState.ANSWERED, AnswerState.QUOTED, AnswerState.NOT_FOUND)


class Command(Say):
    """Ask as a person, wait for the answer, and print it with what it rests on."""

    help = "Ask a question as a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="user", required=True)
        parser.add_argument("--matter", help="reference or id; default: the person's only matter")
        parser.add_argument("--purpose", help="for what the person reads; default: none")
        parser.add_argument("--here", action="store_true", help="answer in this process")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting_as(options["user"], command="ask") as acting:
                act_for(acting, options["purpose"])
                result = _ask(acting, options)
        except NoSuchPerson as error:
            raise cannot(str(error)) from error
        except Missing as error:
            raise refused("There is no such matter for this person.") from error
        except NotRecorded as error:
            raise refused(f"Not asked: {error}") from error
        except ValidationError as error:
            raise cannot(" ".join(error.messages)) from error
        self.show(result, _words(result))
        leave(0 if result["state"] in DONE else 1)


def _ask(acting: Acting, options: dict[str, Any]) -> dict[str, Any]:
    with entered(acting.token):
        accepted = accept_question(
            acting.record,
            acting.user,
            text=options["question"],
            key=uuid4(),
            matter_id=_matter(acting, options["matter"]),
        )
        if not options["here"]:
            transaction.on_commit(lambda: tasks.wake(accepted.answer.id))
    if options["here"]:
        answer(accepted.answer.id)
    result = _wait(acting, accepted.answer.id)
    return {"answer": result["text"], "conversation": accepted.conversation.id} | {
        name: value for name, value in result.items() if name not in ("answer", "is_final", "text")
    }


def _matter(acting: Acting, name: str | None) -> UUID:
    if name:
        return matter_named(name).id
    mine = my_matters(acting.user)
    if len(mine) != 1:
        raise ValidationError(f"{acting.user} has {len(mine)} matters. Choose one with --matter.")
    return mine[0].id


def _wait(acting: Acting, answer_id: UUID) -> dict[str, Any]:
    give_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up_at:
        with entered(acting.token):
            result = stored(answer_for(answer_id))
        if result["is_final"]:
            return result
        time.sleep(LOOK_SECONDS)
    raise ValidationError("There was no answer within ten minutes. Is the installation running?")


def _words(result: dict[str, Any]) -> str:
    lines = [result["answer"] or result["reason"], ""]
    if result["answer"] and result["reason"]:
        lines.insert(0, result["reason"])
    for citation in result["citations"]:
        lines.append(
            f"[{citation['number']}] {citation['title']}, page {citation['page']}: "
            f"{citation['text']}"
        )
    lines.append(f"({result['state']}, model {result['model'] or 'none'}; {result['why']})")
    return "\n".join(lines)
