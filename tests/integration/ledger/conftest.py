"""One record of some hundred events, and a copy of it for each attack."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance.ledger import keys, witness
from compliance.ledger.database import connect
from compliance.ledger.place import Place
from tests.external import Server, Site, postgres_server
from tests.integration.ledger.site import Log

PASSWORD = "tamper-with-me"
BATCHES = (1, 254, 1, 1, 255, 90)
"""Sizes of the batches: the tree is looked at one below, at and one above a full tile."""


@pytest.fixture(scope="session")
def ledger_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL for attacks."""
    folder = tmp_path_factory.mktemp("tamper")
    for parent in (folder, folder.parent):
        parent.chmod(0o711)
    with postgres_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def prepared_site(ledger_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An installation with tables, roles and keys, of which nothing runs."""
    address = ledger_server.make("ledger", PASSWORD, attributes="createrole")
    site = Site(home=tmp_path_factory.mktemp("site"), variables={"DATABASE_URL": address})
    site.done("prepare")
    return site


@pytest.fixture(scope="session")
def whole(ledger_server: Server, prepared_site: Site) -> Iterator[Log]:
    """The record, numbered in several batches, signed after each, cosigned; never changed."""
    from assistant.launcher import postgres

    place = Place(home=prepared_site.home)
    vkey = witness.make(place.home / "witness", "witness.example/second-host")
    witness.Witness(place.home / "witness").trust(keys.read(place).log.vkey)
    place.witnesses.write_text(f"{vkey}\n")
    address = ledger_server.address(postgres.SUPERUSER, ledger_server.password, "ledger")
    with connect(address, name="attacker") as database:
        log = Log(database=database, place=place)
        for count in BATCHES:
            log.write(count)
            log.number()
            log.sign()
            log.cosign()
        assert log.found() == {}
        yield log


@pytest.fixture
def log(whole: Log, tmp_path: Path) -> Iterator[Log]:
    """The record, to be attacked: afterwards it is as it was."""
    with whole.database.transaction(force_rollback=True):
        attacked = whole.copy(tmp_path / "home")
        attacked.pens = [copy.copy(pen) for pen in whole.pens]
        yield attacked
