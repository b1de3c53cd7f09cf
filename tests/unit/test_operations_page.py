"""What docs/operations.md and deploy/env.example say of the settings is what Config reads."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from assistant.config import CHECKOUT, Config

PAGE = (CHECKOUT / "docs" / "operations.md").read_text()
VARIABLE = re.compile(r"\b(?:CLOISTER_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")
# Said to the tests and the launcher's own parts, never by an operator.
INTERNAL = {"CLOISTER_PART"}


def variable_of(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[-1])
    return f"CLOISTER_{name.upper()}"


FIELDS = {variable_of(name, field): field for name, field in Config.model_fields.items()}


def table() -> dict[str, str]:
    """The settings of the page, with what it says is their default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", PAGE, re.MULTILINE)
    return dict(rows)


def test_every_setting_is_described() -> None:
    assert set(FIELDS) - set(table()) == set()


def test_no_setting_is_described_that_does_not_exist() -> None:
    example = (CHECKOUT / "deploy" / "env.example").read_text()
    named = set(VARIABLE.findall(PAGE)) | set(VARIABLE.findall(example)) | set(table())
    assert named - set(FIELDS) - INTERNAL == set()


def test_defaults_are_what_the_page_says() -> None:
    said = table()
    for variable, field in FIELDS.items():
        if field.default in (None, "") or isinstance(field.default, Path):
            continue
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        assert said[variable] == f"`{default}`", variable


SENTENCES = (
    "Cloister already runs in",
    "is taken",
    "does not start. Its log,",
    "The database could not be prepared",
    "The environment of vLLM is not installed",
    "The weights of",
    "is not the official file of",
    "is not what was installed",
    "The package index cannot be reached",
    "The disk is full",
    "Python's venv module is incomplete",
    "A setting cannot be used",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_ends_a_start_is_explained_in_the_same_words(sentence: str) -> None:
    sources = [
        *(CHECKOUT / "assistant" / "launcher").glob("*.py"),
        *(CHECKOUT / "deploy").glob("*.py"),
        CHECKOUT / "inference" / "weights.py",
    ]
    assert any(sentence in path.read_text() for path in sources)
    assert sentence in PAGE.split("## When it does not start", 1)[1]
