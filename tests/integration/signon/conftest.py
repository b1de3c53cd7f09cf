"""Somebody at a browser who goes to the house's servers, and what the record says of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.installation import Installation
from tests.sign_on.journey import Journey


@pytest.fixture
def journey(installation: Installation) -> Iterator[Journey]:
    """A browser that nobody has used yet."""
    with Journey(installation.address) as journey:
        yield journey


@pytest.fixture
def name() -> str:
    """A name that nobody else has."""
    return f"erin-{uuid4().hex[:8]}"


@pytest.fixture
def reason_of(superuser: Callable[..., list[tuple[Any, ...]]]) -> Callable[[httpx.Response], str]:
    """Why the record says that a sign-in was refused, by the reference on the page."""

    def look_up(page: httpx.Response) -> str:
        assert page.status_code == 403, (page.status_code, page.text[:500])
        reference = page.text.split("Reference <code>")[1].split("<")[0]
        rows = superuser(
            "select header from compliance_event where request = %s"
            " and type = 'account.sign_in_failed'",
            [reference],
        )
        return str(json.loads(bytes(rows[0][0]))["fields"]["reason"])

    return look_up
