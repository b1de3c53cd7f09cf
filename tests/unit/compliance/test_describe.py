"""Events are told in plain sentences."""

from typing import Any
from uuid import UUID

import pytest

from compliance.console.describe import Told, sentence
from compliance.events import CATALOGUE

CARLA = UUID("11111111-1111-4111-8111-111111111111")
BO = UUID("22222222-2222-4222-8222-222222222222")
THING = UUID("33333333-3333-4333-8333-3333abcd1234")
NAMES = {CARLA: "Carla Reyes", BO: "Bo Lind"}


def told(kind: str, **changes: Any) -> str:
    values: dict[str, Any] = {"actor": CARLA, "object": THING, "matter": THING, "fields": {}}
    return sentence(Told(type=kind, **(values | changes)), NAMES)


def test_it_names_people_and_gives_ids_for_the_rest() -> None:
    assert told("question.asked") == "Carla Reyes asked a question in matter …abcd1234"
    assert (
        told("matter.member_added", object=BO)
        == "Carla Reyes gave Bo Lind access to matter …abcd1234"
    )
    opened = told("document.opened", fields={"page": 3})
    assert opened == "Carla Reyes opened document …abcd1234, page 3"


def test_it_counts_passages() -> None:
    said = told("evidence.shown", fields={"passages": [{"passage": 1}, {"passage": 2}]})
    assert "was shown 2 passages" in said


def test_it_tells_of_an_account_that_does_not_exist() -> None:
    said = told("account.sign_in_failed", object=None, fields={"reason": "unknown_account"})
    assert said == "A sign-in as an unknown account was refused: unknown account"


def test_somebody_without_an_account_here_is_named_by_id() -> None:
    assert told("account.signed_in", actor=THING) == "person …abcd1234 signed in"


def test_an_event_of_a_later_version_is_named_by_its_type() -> None:
    assert told("later.invented") == "Carla Reyes: later.invented"


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_event_can_be_told_even_without_its_fields(kind: str) -> None:
    assert "{" not in told(kind, actor=None, object=None, matter=None)
