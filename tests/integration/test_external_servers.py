"""The whole path on servers that belong to somebody else: PostgreSQL, Redis and the models."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from assistant.accounts.external_database import Unfit, prepare
from assistant.config import Config
from tests.external import Server, Site, postgres_server, valkey_server
from tests.model_server import ModelServer
from tests.samples import LEASE

PASSWORD = "p@ss/w:rd?&1"  # each of these characters means something in an address
RENT = "The monthly rent is 4,250 euros"
CONTENT_TABLES = "access_matter documents_document documents_passage chat_answer".split()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, folder.parent):
        parent.chmod(0o711)
    with postgres_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as address:
        yield address


@pytest.fixture(scope="module")
def single(server: Server, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything external, and a database role that may make no others."""
    address = server.make("clerk", PASSWORD, attributes="nosuperuser nocreaterole")
    with ModelServer(model="scout") as model:
        yield Site(
            home=tmp_path_factory.mktemp("single"),
            variables={
                "DATABASE_URL": address,
                "REDIS_URL": broker,
                "CLOISTER_MODELS": f"scout={model.address}",
            },
        )


@pytest.fixture(scope="module")
def prepared(single: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """With tables, the demonstration and one document that has been read."""
    warned = single.done("prepare").stderr
    assert "CREATE ROLE cloister_app_" in warned
    assert "GRANT CONNECT ON DATABASE clerk" in warned
    people = [json.loads(line) for line in single.done("demo", "--json").stdout.splitlines()]
    assert {person["user"] for person in people} >= {"clinician", "banker", "librarian"}
    lease = tmp_path_factory.mktemp("files") / "lease.md"
    lease.write_text(LEASE)
    words = ("ingest", str(lease), "--matter", "LAW-2031", "--as", "librarian", "--here", "--json")
    assert json.loads(single.done(*words).stdout)["state"] == "indexed"
    return single


def test_a_member_finds_and_an_outsider_does_not(prepared: Site) -> None:
    words = ("search", "monthly rent", "--json", "--as")
    found = [json.loads(line) for line in prepared.done(*words, "lawyer").stdout.splitlines()]
    assert RENT in found[0]["text"]
    assert prepared.done(*words, "banker").stdout == ""


def test_a_question_is_answered_by_the_sites_own_model(prepared: Site) -> None:
    words = ("ask", "How high is the monthly rent?", "--as", "lawyer", "--here", "--json")
    answer = json.loads(prepared.done(*words).stdout)
    assert (answer["state"], answer["model"]) == ("answered", "scout")
    assert any(RENT in citation["text"] for citation in answer["citations"])
    outside = prepared.manage("ask", "The rent?", "--as", "banker", "--matter", "LAW-2031")
    assert (outside.returncode, outside.stdout) == (1, "")


def test_row_security_holds_for_a_role_that_owns_the_tables(prepared: Site, server: Server) -> None:
    with psycopg.connect(prepared.variables["DATABASE_URL"], autocommit=True) as connection:
        for table in CONTENT_TABLES[:3]:
            count = f"select count(*) from {table}"
            assert connection.execute(count).fetchone() == (0,), table
            assert server.sql(count, database="clerk")[0][0] > 0, table


def test_a_wall_holds_with_a_single_role(prepared: Site, server: Server) -> None:
    ((matter, document),) = server.sql(
        "select m.id, d.id from access_matter m join documents_document d on d.matter_id = m.id"
        " where m.reference = 'LAW-2031' and d.title = 'lease.md'",
        database="clerk",
    )
    wall = ("--person", "paralegal", "--matter", str(matter), "--reason", "Acted for Osprey.")
    read = ("document", "text", str(document), "--as", "paralegal")
    prepared.done("wall", "raise", *wall)
    behind = prepared.manage(*read)
    assert (behind.returncode, behind.stdout) == (1, "")
    prepared.done("wall", "lift", *wall)
    assert RENT in prepared.done(*read).stdout


def test_workers_are_woken_through_the_sites_own_broker(prepared: Site) -> None:
    with redis.Redis.from_url(prepared.variables["REDIS_URL"]) as broker:
        assert broker.llen("documents") > 0
    without = urlsplit(prepared.variables["REDIS_URL"])
    once = Retry(NoBackoff(), 0)
    with redis.Redis(host="127.0.0.1", port=without.port or 0, retry=once) as stranger:
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()


@pytest.fixture(scope="module")
def separate(server: Server, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A database role that may make others."""
    address = server.make("builder", PASSWORD, attributes="nosuperuser createrole")
    home = tmp_path_factory.mktemp("separate")
    site = Site(home=home, variables={"DATABASE_URL": address, "REDIS_URL": broker})
    assert "warn" not in site.done("prepare").stderr
    return site


def _kept(site: Site) -> dict[str, str]:
    kept: dict[str, str] = json.loads((site.home / "secrets" / "database_roles").read_text())
    return kept


def test_a_role_that_may_make_roles_separates_them(separate: Site, server: Server) -> None:
    file = separate.home / "secrets" / "database_roles"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = _kept(separate)
    assert all(address.endswith("/builder?sslmode=prefer") for address in kept.values())
    for address in kept.values():
        role = urlsplit(address).username
        assert server.sql(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin from pg_roles"
            f" where rolname = '{role}'"
        ) == [(False, False, False, False, True)]
        owned = f"select count(*) from pg_class where pg_get_userbyid(relowner) = '{role}'"
        assert server.sql(owned, database="builder") == [(0,)]
    with psycopg.connect(kept["app"]) as app:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("select password from accounts_credential")


def test_separated_roles_work_and_a_second_start_keeps_them(separate: Site, tmp_path: Path) -> None:
    before = _kept(separate)
    separate.done("prepare")
    assert _kept(separate) == before
    assert len(separate.done("demo", "--json").stdout.splitlines()) == 10
    file = tmp_path / "note.md"
    file.write_text("A note.")
    take = ("ingest", str(file), "--matter", "BANK-88", "--as", "analyst", "--json")
    separate.done("wall", "raise", "--person", "analyst", "--matter", "BANK-88", "--reason", "x")
    behind = separate.manage(*take)
    assert (behind.returncode, behind.stdout) == (1, "")
    assert "There is no matter BANK-88 for this person." in behind.stderr


def _config(home: Path, url: str, owner: str | None = None) -> Config:
    return Config(home=home, database_url=url, database_owner_url=owner)


def test_lost_passwords_end_in_a_sentence_and_new_ones_help(separate: Site) -> None:
    before = _kept(separate)
    (separate.home / "secrets" / "database_roles").unlink()
    config = _config(separate.home, separate.variables["DATABASE_URL"])
    with pytest.raises(Unfit, match="--new-passwords"):
        prepare(config)
    prepare(config, new_passwords=True)
    after = _kept(separate)
    assert after != before
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before["app"])
    with psycopg.connect(after["app"]) as app:
        assert app.execute("select count(*) from documents_document").fetchone() == (0,)


def test_tables_made_for_one_role_are_not_used_with_another(
    prepared: Site, server: Server, tmp_path: Path
) -> None:
    server.sql("create role late login password 'late'")
    owner = prepared.variables["DATABASE_URL"]
    with pytest.raises(Unfit, match="made for the application's role clerk, not for late"):
        prepare(_config(tmp_path, server.address("late", "late", "clerk"), owner))


def test_a_database_without_vector_ends_the_command_with_what_to_do(
    server: Server, tmp_path: Path
) -> None:
    address = server.make("plain", PASSWORD, vector=False)
    refused = Site(home=tmp_path, variables={"DATABASE_URL": address}).manage("prepare")
    assert refused.returncode == 2
    assert "run CREATE EXTENSION vector in database plain" in refused.stderr


def test_a_single_role_that_passes_row_security_is_refused(server: Server, tmp_path: Path) -> None:
    address = server.make("passing", PASSWORD, attributes="bypassrls")
    with pytest.raises(Unfit, match="has BYPASSRLS, so row security would not hold"):
        prepare(_config(tmp_path, address))


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [("superuser", "is a superuser"), ("in role hand", "is a member of hand")],
)
def test_a_given_role_that_passes_row_security_is_refused(
    server: Server, tmp_path: Path, attributes: str, sentence: str
) -> None:
    if not server.sql("select 1 from pg_roles where rolname = 'hand'"):
        server.make("hand", PASSWORD)
    owner = server.address("hand", PASSWORD, "hand")
    server.sql(f"create role mighty login password '{PASSWORD}' {attributes}")
    try:
        with pytest.raises(Unfit, match=sentence):
            prepare(_config(tmp_path, server.address("mighty", PASSWORD, "hand"), owner))
    finally:
        server.sql("drop role mighty")


def test_a_wrong_password_ends_in_a_sentence_without_it(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="does not let nobody_here in") as refusal:
        prepare(_config(tmp_path, server.address("nobody_here", "a-secret-word", "postgres")))
    assert "a-secret-word" not in str(refusal.value)
