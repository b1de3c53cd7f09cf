"""Reading and keeping one's conversations. That one is opened is recorded before it is shown."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from assistant.accounts.models import User
from assistant.chat import work
from assistant.chat.access import answer_for as answer_for
from assistant.chat.access import conversation_for as conversation_for
from assistant.chat.access import withheld_conversations, without_hidden_titles
from assistant.chat.models import (
    OPEN_STATES,
    Answer,
    AnswerState,
    Citation,
    Conversation,
    Evidence,
    Feedback,
    Question,
)
from compliance import log
from compliance.events import (
    Context,
    ConversationDeleted,
    ConversationOpened,
    ConversationRenamed,
    ConversationsSearched,
    FeedbackGiven,
)

MOST_LISTED = 200
FEEDBACK_REASONS = ("wrong", "unsupported", "incomplete", "outdated", "other")
WITHHELD = (
    "This answer is withheld: it rests on a document that you may not read any more, or not for "
    "the purpose you have chosen."
)
ENDED_SESSION = "The session it was asked in ended before the answer was ready. Ask it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question of the shown branch with the answer that is shown.

    `branches` are the questions asked in this place, `takes` the answers to this question; each
    with the position of the one shown.
    """

    question: Question
    answer: Answer
    evidence: list[Evidence]
    citations: list[Citation]
    branches: list[UUID]
    branch: int
    takes: list[UUID]
    take: int
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation along one branch."""

    conversation: Conversation
    turns: list[Turn]

    @property
    def last_answer(self) -> Answer | None:
        """The answer that the next question follows. Nothing follows what is withheld."""
        shown = [turn.answer for turn in self.turns if not turn.withheld]
        return shown[-1] if shown else None


def history(record: Context, *, search: str = "") -> list[Conversation]:
    """One's own conversations, the latest first; with `search`, those that hold the words."""
    found = Conversation.objects.filter(deleted_at__isnull=True).select_related("matter")
    words = search.split()
    withheld = withheld_conversations()
    for word in words:
        found = found.filter(
            Q(title__icontains=word) & ~Q(pk__in=withheld)
            | Q(questions__text__icontains=word)
            | Q(questions__answers__text__icontains=word)
        )
    listed = without_hidden_titles(list(found.distinct()[:MOST_LISTED]), withheld)
    if words:
        log.append(
            ConversationsSearched(query=log.commitment(search).digest, shown=len(listed)),
            context=record,
            content={"query": search},
        )
    return listed


def thread(
    record: Context, conversation: Conversation, *, leaf: UUID | None = None
) -> Thread:
    """The conversation along the branch that holds `leaf` (a question or an answer).

    Without `leaf` the newest branch is shown.
    """
    questions = list(conversation.questions.order_by("created_at"))
    answers = list(
        Answer.objects.filter(question__conversation=conversation).order_by("created_at")
    )
    _settle_abandoned(answers)
    log.append(
        ConversationOpened(object=conversation.id, messages=len(questions) + len(answers)),
        context=replace(record, matter=conversation.matter_id),
        content={"title": conversation.title},
    )
    tree = _Tree(questions, answers, leaf)
    turns = [tree.turn(question, answer) for question, answer in tree.branch()]
    return Thread(conversation=conversation, turns=turns)


def _settle_abandoned(answers: list[Answer]) -> None:
    """Say so where an answer will not come: its session ended before it was made."""
    for answer in answers:
        if answer.is_open and not work.is_known(answer.id):
            changed = Answer.objects.filter(pk=answer.pk, state__in=OPEN_STATES).update(
                state=AnswerState.FAILED, reason=ENDED_SESSION, finished_at=timezone.now()
            )
            if changed:
                answer.state, answer.reason = AnswerState.FAILED, ENDED_SESSION


class _Tree:
    """Questions and answers of a conversation, and the branch through them that is shown."""

    def __init__(
        self, questions: list[Question], answers: list[Answer], leaf: UUID | None
    ) -> None:
        self._after: dict[UUID | None, list[Question]] = {}
        for question in questions:
            self._after.setdefault(question.follows_id, []).append(question)
        self._takes: dict[UUID, list[Answer]] = {}
        for answer in answers:
            self._takes.setdefault(answer.question_id, []).append(answer)
        self._wanted = self._way_to(leaf, questions, answers)
        ids = [answer.id for answer in answers]
        self._evidence = _by_answer(Evidence.objects.filter(answer_id__in=ids))
        self._citations = _by_answer(Citation.objects.filter(answer_id__in=ids))

    def _way_to(
        self, leaf: UUID | None, questions: list[Question], answers: list[Answer]
    ) -> set[UUID]:
        """The ids on the way from the beginning to `leaf`."""
        by_id: dict[UUID, Question | Answer] = {question.id: question for question in questions}
        by_id |= {answer.id: answer for answer in answers}
        way: set[UUID] = set()
        at = leaf
        while at is not None and at in by_id:
            way.add(at)
            item = by_id[at]
            at = item.follows_id if isinstance(item, Question) else item.question_id
        return way

    def branch(self) -> list[tuple[Question, Answer]]:
        steps = []
        follows: UUID | None = None
        while questions := self._after.get(follows):
            question = self._chosen(questions)
            takes = self._takes.get(question.id)
            if takes is None:
                # Each question has an answer, so this one is hidden, with all that came after it.
                steps.append((question, _withheld(question)))
                break
            answer = self._chosen(takes)
            steps.append((question, answer))
            follows = answer.id
        return steps

    def _chosen(self, siblings: list[Any]) -> Any:
        return next((item for item in siblings if item.id in self._wanted), siblings[-1])

    def turn(self, question: Question, answer: Answer) -> Turn:
        branches = [sibling.id for sibling in self._after[question.follows_id]]
        takes = [take.id for take in self._takes.get(question.id, [answer])]
        return Turn(
            question=question,
            answer=answer,
            evidence=self._evidence.get(answer.id, []),
            citations=self._citations.get(answer.id, []),
            branches=branches,
            branch=branches.index(question.id),
            takes=takes,
            take=takes.index(answer.id),
            withheld=question.id not in self._takes,
        )


def _withheld(question: Question) -> Answer:
    """What stands in the place of an answer that is hidden now; it is never stored."""
    return Answer(
        question=question,
        owner_id=question.owner_id,
        acl_group=question.acl_group,
        state=AnswerState.REFUSED,
        reason=WITHHELD,
    )


def _by_answer(rows: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.answer_id, []).append(row)
    return found


def rename(record: Context, conversation: Conversation, title: str) -> None:
    """Give a conversation another title."""
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise ValidationError("A title has between 1 and 120 characters.")
    log.append(
        ConversationRenamed(object=conversation.id, title=log.commitment(title).digest),
        context=replace(record, matter=conversation.matter_id),
        content={"title": title},
    )
    conversation.title = title
    conversation.save(update_fields=["title"])


def delete(record: Context, conversation: Conversation) -> None:
    """Take a conversation out of the history; `restore` brings it back."""
    log.append(
        ConversationDeleted(object=conversation.id, messages=conversation.questions.count()),
        context=replace(record, matter=conversation.matter_id),
        content={"title": conversation.title},
    )
    conversation.deleted_at = timezone.now()
    conversation.save(update_fields=["deleted_at"])


def restore(record: Context, conversation_id: UUID) -> Conversation:
    """Bring a deleted conversation back. Raises Missing."""
    Conversation.objects.filter(pk=conversation_id).update(deleted_at=None)
    conversation = conversation_for(conversation_id)
    log.append(
        ConversationOpened(object=conversation.id, messages=conversation.questions.count()),
        context=replace(record, matter=conversation.matter_id),
        content={"title": conversation.title},
    )
    return conversation


def give_feedback(
    record: Context, user: User, answer: Answer, *, helpful: bool, reason: str = "", text: str = ""
) -> None:
    """Say whether an answer helped, and why not. A second time replaces the first."""
    if reason and reason not in FEEDBACK_REASONS:
        raise ValidationError("Choose one of the reasons.")
    text = text.strip()[:2000]
    log.append(
        FeedbackGiven(
            object=answer.id,
            verdict="helpful" if helpful else "not_helpful",
            reason=reason or None,
            comment=log.commitment(text).digest if text else None,
        ),
        context=replace(record, matter=answer.question.conversation.matter_id),
        content={"comment": text},
    )
    Feedback.objects.update_or_create(
        answer=answer,
        defaults={
            "owner": user,
            "acl_group": answer.acl_group,
            "helpful": helpful,
            "reason": reason,
            "text": text,
        },
    )
