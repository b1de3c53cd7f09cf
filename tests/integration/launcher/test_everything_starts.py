"""`manage.py up` brings up every part, says where they are, and keeps secrets to itself."""

import stat
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
import redis

from assistant.config import read_secret
from tests.installation import free_port
from tests.integration.launcher.launched import PARTS, Launched, is_alive, launch


def test_each_part_runs_under_the_process_id_in_the_state(launched: Launched) -> None:
    pids = launched.state()["pids"]
    assert set(pids) == {*PARTS, "launcher"}
    assert all(is_alive(pid) for pid in pids.values())
    assert pids["launcher"] == launched.process.pid


def test_the_site_answers_at_the_address_it_prints(launched: Launched) -> None:
    address = launched.state()["address"]
    assert f"Cloister is at {address}" in launched.output.read_text()
    with urlopen(address, timeout=10) as page:
        assert page.status == 200


@pytest.mark.parametrize("role", ["superuser", "owner", "app", "signin", "sequencer", "signer"])
def test_each_role_can_reach_the_database(launched: Launched, role: str) -> None:
    with psycopg.connect(launched.state()["databases"][role]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("role", ["owner", "app", "signin", "sequencer", "signer"])
def test_no_role_but_the_administrator_has_power_over_others(launched: Launched, role: str) -> None:
    with psycopg.connect(launched.state()["databases"][role]) as connection:
        powers = connection.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication "
            "from pg_roles where rolname = current_user"
        ).fetchone()
    assert powers == (False, False, False, False, False)


def test_the_database_refuses_a_wrong_password(launched: Launched) -> None:
    address = launched.state()["databases"]["app"]
    password = read_secret(launched.home, "postgres_app")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address.replace(password, "guess"))


def test_the_database_is_durable_and_checksummed(launched: Launched) -> None:
    names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    with psycopg.connect(launched.state()["databases"]["app"]) as connection:
        values = [connection.execute(f"show {name}").fetchone() for name in names]
    assert values == [("on",)] * len(names)


def test_valkey_wants_its_password(launched: Launched) -> None:
    address = launched.state()["redis"]
    with redis.Redis.from_url(address) as known:
        assert known.ping()
    nameless = f"redis://{address.rsplit('@', 1)[1]}"
    with redis.Redis.from_url(nameless) as stranger:
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_nobody_else_can_read_state_and_secrets(launched: Launched) -> None:
    files = [launched.home / "run" / "state.json", *(launched.home / "secrets").iterdir()]
    assert len(files) > 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    folders = [launched.home / name for name in ("run", "secrets", "logs")]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_no_password_stands_in_a_command_line(launched: Launched) -> None:
    secrets = [file.read_text().strip() for file in (launched.home / "secrets").iterdir()]
    for pid in launched.state()["pids"].values():
        line = Path("/proc", str(pid), "cmdline").read_text()
        assert not [secret for secret in secrets if secret in line]


def test_a_second_launcher_in_the_same_folder_is_refused(
    launched: Launched, tmp_path: Path
) -> None:
    second = launch(launched.home, free_port(), tmp_path / "second.log")
    assert second.wait(20) == 2
    said = (tmp_path / "second.log").read_text()
    assert f"already runs in {launched.home} (process {launched.process.pid})" in said
    assert launched.state()["pids"]["launcher"] == launched.process.pid


def test_a_taken_port_is_refused_with_the_name_of_its_holder(
    launched: Launched, tmp_path: Path
) -> None:
    other = launch(tmp_path / "home", launched.port, tmp_path / "other.log")
    assert other.wait(20) == 2
    said = (tmp_path / "other.log").read_text()
    assert f"Port {launched.port} is taken by process {launched.state()['pids']['web']} " in said
    assert f"make run PORT={launched.port + 10}" in said
