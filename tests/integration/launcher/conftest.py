"""One installation for the tests that leave it running."""

import shutil
from collections.abc import Iterator

import pytest

from tests.installation import free_port
from tests.integration.launcher.launched import Launched, new_home


@pytest.fixture(scope="session")
def launched() -> Iterator[Launched]:
    """Started once; each test finds all of its parts running."""
    running = Launched(new_home(), free_port())
    try:
        running.wait_ready()
        yield running
    finally:
        running.end()
        shutil.rmtree(running.home, ignore_errors=True)
