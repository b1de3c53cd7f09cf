"""When nobody can sign in any more, the operator on the host can help, on the record."""

import json
from typing import Any

from tests.people import make_person
from tests.second_step import enrolled, first_step
from tests.visitor import Visitor


def test_second_factors_are_reset_and_deferred_from_the_command_line(
    installation: Any, superuser: Any
) -> None:
    dora = make_person("dora", days_without_second_factor=0)
    enrolled(installation.address, dora)
    about = ["--person", dora.username, "--json"]
    shown = installation.manage("second_factors", "show", *about)
    assert json.loads(shown.stdout) == {
        "person": dora.username, "app": True, "passkeys": 0, "recovery_codes": 10, "due_at": None,
    }  # fmt: skip
    reset = installation.manage("second_factors", "reset", *about)
    assert json.loads(reset.stdout)["app"] is False
    with first_step(installation.address, dora) as visitor:
        assert visitor.get("/second-factor/").headers["Location"] == "/second-factor/set-up/"
    refused = installation.manage("second_factors", "defer", "--days", "90", *about)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert installation.manage("second_factors", "defer", *about).returncode == 0
    with Visitor(installation.address, dora) as visitor:
        assert visitor.get("/matters/").status_code == 200
    rows = superuser(
        "select type from compliance_event where object = %s and type like 'account.second%%' "
        "order by recorded_at",
        [dora.user.public_id],
    )
    kinds = [kind for (kind,) in rows]
    assert kinds[-2:] == ["account.second_factors_reset", "account.second_factor_deferred"]


def test_nobody_of_that_name_is_a_refusal(installation: Any) -> None:
    done = installation.manage("second_factors", "show", "--person", "nobody-at-all")
    assert done.returncode == 1
    assert "no account called nobody-at-all" in done.stderr
