"""A real vLLM keeps the contract that the mock keeps in the other tests.

`model_address` stands in this folder's conftest: the address and the served name.
"""

import re
import time

import pytest

from inference.client import Cancel, Client
from inference.errors import Stopped
from inference.generate import stream
from tests.contract_model import ModelContract, model_client, question, read

__all__ = ["model_client"]

pytestmark = pytest.mark.live

PREAMBLE = "The lessor keeps the premises in repair and bears the cost of the common parts. " * 12


def metric(client: Client, name: str) -> float:
    """A figure from the server's own page of metrics, summed over its labels."""
    status, page = client.get("/metrics", seconds=10)
    assert status == 200
    wanted = re.compile(rf"{re.escape(name)}(_total)?[{{ ]")
    values = [line for line in page.decode().splitlines() if wanted.match(line)]
    assert values, f"no {name} among the metrics"
    return sum(float(line.rsplit(" ", 1)[1]) for line in values)


class TestVllm(ModelContract):
    """The whole contract, unchanged, and what only a real engine can show."""

    def test_a_cached_prefix_is_found_again_under_its_own_salt_only(
        self, model_client: Client
    ) -> None:
        def tokens_found(salt: str) -> float:
            before = metric(model_client, "vllm:prefix_cache_hits")
            read(model_client, question(PREAMBLE, cache_salt=salt, max_tokens=2))
            time.sleep(1)  # The engine reports its counts once in a while.
            return metric(model_client, "vllm:prefix_cache_hits") - before

        run = str(time.time_ns())
        assert tokens_found(f"alice-{run}") == 0
        assert tokens_found(f"alice-{run}") > 50
        assert tokens_found(f"bob-{run}") == 0

    def test_a_cancelled_answer_frees_its_slot(self, model_client: Client) -> None:
        cancel = Cancel()
        prompt = question("Write a very long letter.", max_tokens=600)
        answer = stream(model_client, prompt, cancel=cancel)
        next(answer)
        assert metric(model_client, "vllm:num_requests_running") == 1
        cancel.set()
        with pytest.raises(Stopped):
            list(answer)
        until = time.monotonic() + 5
        while metric(model_client, "vllm:num_requests_running") and time.monotonic() < until:
            time.sleep(0.1)
        assert metric(model_client, "vllm:num_requests_running") == 0
