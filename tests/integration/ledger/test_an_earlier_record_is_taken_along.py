"""A record from before there were numbers keeps its events, its rights and its rules."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg

from assistant.launcher import postgres
from compliance import header
from compliance.events import Context, SignedOut
from compliance.ledger import check, keys, numbering
from compliance.ledger.database import connect
from compliance.ledger.memory import Memory
from compliance.ledger.place import Place
from compliance.ledger.signing import Signer
from compliance.tiles import Edge
from tests.external import Server, Site
from tests.integration.ledger.conftest import PASSWORD

COUNT = 300
RULES = """
SELECT policyname, permissive, cmd, roles::text, qual FROM pg_policies
 WHERE tablename = 'compliance_event' ORDER BY 1
"""


def test_it_is_upgraded_with_everything_in_it(ledger_server: Server, tmp_path: Path) -> None:
    address = ledger_server.make("earlier", PASSWORD, attributes="createrole")
    site = Site(home=tmp_path / "home", variables={"DATABASE_URL": address})
    site.done("prepare_database")
    site.done("migrate", "compliance", "0001", "--database", "owner")
    site.done("migrate", "access", "0009", "--database", "owner")
    admin = ledger_server.address(postgres.SUPERUSER, ledger_server.password, "earlier")
    with psycopg.connect(admin, autocommit=True) as database:
        before = set(database.execute(RULES).fetchall())
        for _ in range(COUNT):
            written = header.write(
                SignedOut(object=uuid4()), context=Context(), now=datetime.now(UTC)
            )
            database.execute("INSERT INTO compliance_event (header) VALUES (%s)", [written.data])
    site.done("migrate", "compliance", "0003", "--database", "owner")
    with connect(admin, name="test") as database:
        assert before <= set(database.execute(RULES).fetchall())
    site.done("prepare")
    place = Place(home=site.home)
    with connect(admin, name="test") as database:
        assert database.execute("SELECT count(*) FROM compliance_event").fetchone() == (COUNT,)
        assert database.execute("SELECT count(*) FROM compliance_event_other").fetchone() == (0,)
        assert numbering.number_a_batch(database, Edge()) == COUNT
        with Memory(place.signer / "memory.sqlite") as memory:
            # What was written before there was a signer belongs to no chain, and is no alarm.
            assert Signer(keys.read(place), memory).sign(database).head.size == COUNT
            assert memory.untold() == []
        assert check.check(database, place).report.damage == {}
