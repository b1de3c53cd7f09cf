"""The catalogue is documented, complete and speaks in sentences."""

import re
import string
from dataclasses import fields
from pathlib import Path

import pytest

from compliance import events
from compliance.catalogue import table
from compliance.events import CATALOGUE, Event

DOCS = Path(__file__).parents[3] / "docs" / "compliance.md"


def written_down() -> set[str]:
    """The types of all events in the package, whether or not it exports them."""
    return {
        kind.type for kind in Event.__subclasses__() if kind.__module__.startswith(events.__name__)
    }


def test_the_documentation_lists_every_event_as_it_is() -> None:
    assert table() in DOCS.read_text(), "Run `python -m compliance.catalogue` and paste the table."


def test_every_dataclass_of_the_package_is_in_the_catalogue() -> None:
    assert written_down() == set(CATALOGUE)


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_an_event_has_a_name_a_meaning_and_a_sentence(kind: type[Event]) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind.type)
    assert kind.__doc__
    named = {name for _, name, _, _ in string.Formatter().parse(kind.says) if name}
    assert named <= {field.name for field in fields(kind)} | {"actor", "object", "matter"}
    assert kind.says
