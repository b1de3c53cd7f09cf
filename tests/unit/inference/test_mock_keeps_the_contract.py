"""The mock model server behaves as vLLM does, as far as Cloister relies on it."""

from collections.abc import Iterator

import pytest

from tests.contract_model import ModelContract, model_client
from tests.model_server import ModelServer

__all__ = ["model_client"]


@pytest.fixture(scope="module")
def model_address() -> Iterator[tuple[str, str]]:
    with ModelServer(model="small") as server:
        yield server.address, "small"


class TestMock(ModelContract):
    """The whole contract, unchanged."""
