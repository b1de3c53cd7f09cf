"""A prompt that one matter's people asked is not faster for another's; for their colleagues it is.

The salts are those of two real matters. `CLOISTER_TIMING_SAMPLES=200` takes as many samples of each
kind and compares them by Welch's t.
"""

import math
import os
import statistics
import time
from typing import Any
from uuid import uuid4

import pytest

from assistant.access.matters import add_member
from assistant.chat.prompt import cache_salt_for
from inference.client import Client
from tests.contract_model import model_client, question, read
from tests.live.test_model_contract import metric
from tests.people import Person, World, make_world, scope_key

__all__ = ["model_client"]

pytestmark = pytest.mark.live

SAMPLES = int(os.environ.get("CLOISTER_TIMING_SAMPLES", "6"))
CERTAIN = 2.58  # |t| beyond which chance explains less than one in a hundred
LINE = "The lessor keeps the premises in repair and bears the cost of the common parts. "


def salt_of(world: World, person: Person) -> str:
    """The salt that an answer for this person in this matter is asked with."""
    with person.entered():
        return cache_salt_for("a secret", world.matter.id, str(scope_key(world.matter.id)))


def first_token(client: Client, text: str, salt: str) -> tuple[float, float]:
    """Seconds until the first token, and how many tokens of the prompt were found in the cache."""
    before = metric(client, "vllm:prefix_cache_hits")
    began = time.monotonic()
    read(client, question(text, cache_salt=salt, max_tokens=1))
    seconds = time.monotonic() - began
    time.sleep(1)  # The engine reports its counts once in a while.
    return seconds, metric(client, "vllm:prefix_cache_hits") - before


def welch(one: list[float], other: list[float]) -> float:
    """Welch's t: how sure it is that two kinds of samples differ."""
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.mean(one) - statistics.mean(other)) / math.sqrt(spread)


@pytest.fixture
def worlds(database: Any) -> tuple[World, World]:
    return make_world(), make_world()


def test_a_prompt_cached_in_one_matter_tells_another_nothing(
    worlds: tuple[World, World], model_client: Client
) -> None:
    ours, theirs = worlds
    alice, bob = salt_of(ours, ours.alice), salt_of(ours, ours.bob)
    stranger = salt_of(theirs, theirs.alice)
    assert alice == bob != stranger
    first_token(model_client, "warm", "warm")
    fresh: list[float] = []
    across: list[float] = []
    within: list[float] = []
    for _ in range(SAMPLES):
        # Each sample has words of its own, so that nothing is found from the one before.
        text, unseen = f"{uuid4()} {LINE * 16}", f"{uuid4()} {LINE * 16}"
        first_token(model_client, text, alice)
        for seconds, salt, words, is_found in (
            (across, stranger, text, False),
            (fresh, stranger, unseen, False),
            (within, bob, text, True),
        ):
            taken, found = first_token(model_client, words, salt)
            seconds.append(taken)
            assert (found > 100) == is_found
    # The positive control: what is measured would show a hit.
    assert statistics.median(within) < 0.7 * statistics.median(fresh)
    assert statistics.median(across) > 0.8 * statistics.median(fresh)
    if SAMPLES >= 100:
        assert abs(welch(within, fresh)) > CERTAIN
        assert abs(welch(across, fresh)) < CERTAIN


def test_the_cache_of_a_matter_is_left_behind_when_its_rights_change(
    worlds: tuple[World, World], model_client: Client
) -> None:
    world, _ = worlds
    text, before = f"{uuid4()} {LINE * 16}", salt_of(world, world.alice)
    first_token(model_client, text, before)
    with world.as_alice() as acting:
        username = world.charlie.username
        add_member(acting.record, world.matter, acting.user, username=username, level="member")
    after = salt_of(world, world.alice)
    assert after != before
    assert first_token(model_client, text, after)[1] == 0
    assert first_token(model_client, text, salt_of(world, world.charlie))[1] > 100
