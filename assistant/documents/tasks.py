"""Document work that workers are told of."""

import logging
from uuid import UUID

from kombu.exceptions import OperationalError

from assistant.broker import app
from assistant.documents.ingest import TryAgain, ingest

logger = logging.getLogger(__name__)


@app.task(name="documents.ingest_version", max_retries=5)
def ingest_version(version_id: str) -> None:
    """Read a version and make it searchable. Running twice changes nothing."""
    try:
        ingest(UUID(version_id))
    except TryAgain as trouble:
        raise ingest_version.retry(countdown=5, exc=trouble) from trouble


def wake(version_id: UUID) -> None:
    """Tell the workers of a version. If the broker is away, the watch tells them later."""
    try:
        ingest_version.apply_async((str(version_id),), retry=False)
    except OperationalError as trouble:
        logger.warning("version %s waits for the broker: %s", version_id, trouble)
