"""The rules in Python say of every person, purpose and document what row security shows.

`CLOISTER_RANDOM_WORLDS=5000` tries that many worlds, other ones each time.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings

from assistant.access.rules import World, decide, sees_matter
from assistant.access.rules.changes import Raise
from tests.integration.access.rows import Rows, everybody
from tests.integration.access.worlds import (
    MOVES_BEHIND_A_WALL,
    PURPOSES,
    Case,
    Named,
    Words,
    behind,
    cases,
)

WORLDS = int(os.environ.get("CLOISTER_RANDOM_WORLDS", "0"))


Said = Mapping[UUID, frozenset[str]]


def told(world: World, named: list[Named], said: Said) -> World:
    """The world that the mirror is told of: with the documents that speak of listed names."""
    return replace(
        world,
        barriers={
            each.barrier.id: behind(each, said)
            for each in named
            if each.barrier.id in world.barriers
        },
    )


def disagreements(rows: Rows, world: World) -> list[str]:
    """Where the mirror and the database differ, in words."""
    found = []
    memory = rows.remembered(world)
    for person in everybody(world):
        for purpose in ("", *PURPOSES):
            at = datetime.now(UTC)
            documents, of_versions, matters = rows.seen(person, purpose)
            verdicts = {
                key: decide(world, person, key, purpose=purpose, at=at) for key in world.documents
            }
            for key, verdict in verdicts.items():
                kept = decide(memory, person, key, purpose=purpose, at=at)
                if kept.allowed != verdict.allowed or set(kept.reasons) != set(verdict.reasons):
                    found.append(f"{person} {purpose!r} {key}: remembered {kept}, {verdict}")
            mirrored = {key for key, verdict in verdicts.items() if verdict.allowed}
            for key in mirrored ^ documents | documents ^ of_versions:
                shown = key in documents, key in of_versions
                found.append(f"{person} {purpose!r} {key}: shown {shown}, {verdicts[key]}")
            known = {key for key in world.matters if sees_matter(world, person, key, at=at)}
            found += [f"{person} {purpose!r} matter {key}" for key in known ^ matters]
    return found


@pytest.fixture(scope="module")
def connection(database: Any) -> Any:
    """A connection of the database's administrator."""
    with psycopg.connect(database.state()["databases"]["superuser"]) as connection:
        yield connection


@settings(
    max_examples=WORLDS or 120,
    derandomize=not WORLDS,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)
@example(case=MOVES_BEHIND_A_WALL)
@given(case=cases())
def test_the_rules_in_python_agree_with_row_security(connection: Any, case: Case) -> None:
    rows = Rows(connection)
    with connection.transaction(force_rollback=True):
        rows.write(case)
        said: Said = {key: frozenset({words}) for key, words in case.words.items()}
        named = list(case.named)
        raised = {each.barrier.id: each.barrier for each in named}
        world = told(replace(case.world, barriers=raised), named, said)
        assert disagreements(rows, world) == []
        for change in case.changes:
            rows.change(change)
            if isinstance(change, Words):
                said = {**said, change.document: said[change.document] | {change.words}}
            elif isinstance(change, Named):
                named.append(change)
                world = Raise(barrier=change.barrier).applied_to(world)
            else:
                world = change.applied_to(world)
            world = told(world, named, said)
        if case.changes:
            assert disagreements(rows, world) == []
