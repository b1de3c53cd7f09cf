"""Answers that workers are told of."""

import logging
from uuid import UUID

from kombu.exceptions import OperationalError

from assistant.broker import app
from assistant.chat.answer import answer

logger = logging.getLogger(__name__)


@app.task(name="chat.answer_message")
def answer_message(answer_id: str) -> None:
    """Answer one question. Running twice changes nothing."""
    answer(UUID(answer_id))


def wake(answer_id: UUID) -> None:
    """Tell the workers of an answer. If the broker is away, the watch tells them later."""
    try:
        answer_message.apply_async((str(answer_id),), retry=False)
    except OperationalError as trouble:
        logger.warning("answer %s waits for the broker: %s", answer_id, trouble)
