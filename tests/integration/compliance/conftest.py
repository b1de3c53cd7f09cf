"""People of the record's tests. `database` (tests/conftest.py) gives a migrated database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from assistant.accounts import sessions
from assistant.accounts.models import User
from tests.integration.compliance.readers import Person


@pytest.fixture
def person(database: Any) -> Callable[..., Person]:
    """Makes people: `person("Carla Reyes", roles=["auditor"])`."""

    def make(name: str, *, roles: list[str]) -> Person:
        unique, token = uuid4().hex[:8], uuid4().hex
        user = User.objects.create(
            username=f"person-{unique}", display_name=f"{name} {unique}", roles=roles
        )
        sessions.open_identity(
            token,
            user_id=user.pk,
            session_id=uuid4(),
            until=timezone.now() + timedelta(hours=1),
        )
        return Person(user=user, token=token)

    return make


@pytest.fixture
def auditor(person: Callable[..., Person]) -> Person:
    """Nora, who reads the record."""
    return person("Nora Lind", roles=["auditor"])


@pytest.fixture
def staff(person: Callable[..., Person]) -> Person:
    """Carla, whose doings are recorded."""
    return person("Carla Reyes", roles=["staff"])


@pytest.fixture
def owner(database: Any) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs SQL as the role that owns the tables."""

    def run(statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    return run
