"""What integration tests start from."""

from typing import Any

import pytest

from tests.people import World, make_world


@pytest.fixture
def world(database: Any) -> World:
    """A matter with Alice, Bob in it and Charlie outside, apart from every other test's."""
    return make_world()
