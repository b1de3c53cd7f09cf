"""Any one change of any one value in the ledger's tables is found; without one, nothing is."""

import os
import random

import pytest

from tests.integration.ledger.site import Log

CHANGES = int(os.environ.get("CLOISTER_RANDOM_CHANGES", "84"))
"""How many changes are tried. The files of an export get ten thousand in the unit tests."""

SIZE = 602
EVENT = "WHERE event_id = (SELECT event_id FROM compliance_leaf WHERE idx = {idx})"
FLIP = "set_byte({0}, {at} % length({0}), get_byte({0}, {at} % length({0})) # {bit})"
OTHER = "gen_random_uuid()"

# What each does, and whether it has to change anything at the place that was drawn.
STATEMENTS = (
    f"UPDATE compliance_event SET header = {FLIP.replace('{0}', 'header')} {EVENT}",
    f"UPDATE compliance_event SET leaf = {FLIP.replace('{0}', 'leaf')} {EVENT}",
    f"UPDATE compliance_event SET mac = {FLIP.replace('{0}', 'mac')} {EVENT}",
    f"UPDATE compliance_event SET mac = NULL {EVENT}",
    f"UPDATE compliance_event SET actor = {OTHER} {EVENT}",
    f"UPDATE compliance_event SET session = {OTHER} {EVENT}",
    f"UPDATE compliance_event SET request = {OTHER} {EVENT}",
    f"UPDATE compliance_event SET object = {OTHER} {EVENT}",
    f"UPDATE compliance_event SET matter = {OTHER} {EVENT}",
    f"UPDATE compliance_event SET type = 'a.b' {EVENT}",
    f"UPDATE compliance_event SET outcome = 'failed' {EVENT}",
    "UPDATE compliance_event SET recorded_at = recorded_at + interval '{at} microseconds' " + EVENT,
    f"DELETE FROM compliance_event {EVENT}",
    "DELETE FROM compliance_mention " + EVENT,
    f"UPDATE compliance_mention SET object = {OTHER} {EVENT}",
    f"INSERT INTO compliance_mention SELECT {OTHER}, event_id FROM compliance_leaf"
    " WHERE idx = {idx}",
    f"UPDATE compliance_leaf SET leaf = {FLIP.replace('{0}', 'leaf')} WHERE idx = {{idx}}",
    f"UPDATE compliance_leaf SET event_id = {OTHER} WHERE idx = {{idx}}",
    "UPDATE compliance_leaf SET idx = {idx} + 10000 WHERE idx = {idx}",
    "DELETE FROM compliance_leaf WHERE idx = {idx}",
    f"UPDATE compliance_tile SET data = {FLIP.replace('{0}', 'data')}"
    " WHERE level = {bit} % 2 AND n = 0",
    "DELETE FROM compliance_tile WHERE level = {bit} % 2 AND width ="
    " (SELECT max(width) FROM compliance_tile WHERE level = {bit} % 2)",
    f"UPDATE compliance_root SET root = {FLIP.replace('{0}', 'root')}"
    " WHERE size = (SELECT min(size) FROM compliance_root WHERE size > {idx})",
    f"UPDATE compliance_checkpoint SET root = {FLIP.replace('{0}', 'root')}"
    " WHERE size = (SELECT min(size) FROM compliance_checkpoint WHERE size > {idx})",
    "UPDATE compliance_checkpoint SET note = overlay(note placing chr(97 + {bit} % 26)"
    " || chr(98 + {bit} % 24) from {at} % length(note) + 1 for 2)"
    " WHERE size = (SELECT min(size) FROM compliance_checkpoint WHERE size > {idx})",
    "UPDATE compliance_checkpoint SET size = size + 7"
    " WHERE size = (SELECT min(size) FROM compliance_checkpoint WHERE size > {idx})",
    "UPDATE compliance_cosignature SET line = overlay(line placing 'QQ'"
    " from 40 + {at} % (length(line) - 45))"
    " WHERE size = (SELECT min(size) FROM compliance_cosignature WHERE size > {idx})",
    "UPDATE compliance_cosignature SET size = size + 7"
    " WHERE size = (SELECT min(size) FROM compliance_cosignature WHERE size > {idx})",
)


@pytest.mark.parametrize("seed", range(CHANGES))
def test_one_change_is_found(log: Log, seed: int) -> None:
    drawn = random.Random(seed)
    statement = STATEMENTS[seed % len(STATEMENTS)].format(
        idx=drawn.randrange(SIZE), at=drawn.randrange(1, 100_000), bit=drawn.randrange(1, 256)
    )
    log.attack(statement)
    assert log.found(), statement


@pytest.mark.parametrize(
    "table", ["event", "mention", "leaf", "tile", "root", "checkpoint", "cosignature", "pending"]
)
def test_a_guard_that_was_taken_away_is_found(log: Log, table: str) -> None:
    log.run(f"ALTER TABLE compliance_{table} DISABLE TRIGGER keep")
    assert log.found() == {"unguarded": None}


def test_a_table_without_row_security_is_found(log: Log) -> None:
    log.run("ALTER TABLE compliance_leaf NO FORCE ROW LEVEL SECURITY")
    assert log.found() == {"unguarded": None}


def test_the_next_check_begins_where_the_last_one_ended(log: Log) -> None:
    assert log.verify().is_good
    log.write(40)
    log.number()
    log.sign()
    result = log.verify(everything=False)
    assert (result.start, result.size, result.is_good) == (SIZE, SIZE + 40, True)
    log.attack(
        "UPDATE compliance_event SET actor = gen_random_uuid() WHERE event_id ="
        " (SELECT event_id FROM compliance_leaf WHERE idx = 610)"
    )
    # What was verified is verified; what came since is damaged.
    result = log.verify(everything=False)
    assert (result.start, result.size) == (SIZE + 40, SIZE + 40)
    assert log.found() == {"column": 610}


def test_a_tree_other_than_the_verified_one_is_checked_from_the_beginning(log: Log) -> None:
    assert log.verify().is_good
    log.attack(
        "UPDATE compliance_leaf SET leaf = sha256('else') WHERE idx = (SELECT max(idx) FROM"
        " compliance_leaf)"
    )
    result = log.verify(everything=False)
    assert result.start == 0
    assert {"rewritten", "leaf"} <= set(result.report.damage)
