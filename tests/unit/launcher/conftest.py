"""A data folder and parts that cost nothing to start."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from assistant.launcher.home import Home
from assistant.launcher.part import Log, Part

MakePart = Callable[..., Part]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty, prepared data folder."""
    home = Home(folder=tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def make_part() -> MakePart:
    """A part that runs a few lines of Python and is ready once it has written `ready`."""

    async def has_said_so(log: Log) -> bool:
        return "ready" in log.text()

    def make(
        code: str, *, ready: Callable[[Log], Awaitable[bool]] = has_said_so, **more: object
    ) -> Part:
        given = {"name": "part", "title": "the part", "ready_within_seconds": 10} | more
        return Part(
            command=(sys.executable, "-u", "-c", code),
            environment=dict(os.environ),
            ready=ready,
            **given,  # type: ignore[arg-type]
        )

    return make
