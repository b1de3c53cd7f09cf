"""What was erased is not in yesterday's backup either: its key was never in the database."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from assistant.config import get_config
from assistant.launcher.home import Home
from assistant.launcher.postgres import DATABASE, SUPERUSER, Cluster, locate
from compliance import keeping
from compliance.content.covered import Scope
from compliance.keyring import KeyDestroyed
from compliance.sealed import open_sealed
from tests.installation import free_port
from tests.integration.compliance.locked import CANARY, Rows, recorded, refusal, unlock
from tests.integration.compliance.test_content_is_erased import erased
from tests.people import make_person

START_SECONDS = 60.0


@pytest.fixture
def cluster(database: Any, superuser: Rows) -> Cluster:
    """The cluster under test, as its launcher found it."""
    ((port,),) = superuser("show port")
    return locate(Home(folder=get_config().home), port=int(port))


def _as_server(cluster: Cluster, *words: str, port: int) -> "subprocess.CompletedProcess[bytes]":
    """Run one of PostgreSQL's own programs as the account that PostgreSQL runs under."""
    secret = {"PGPASSWORD": cluster.passwords["superuser"]}
    return subprocess.run(
        [str(cluster.binaries / words[0]), *words[1:]],
        env=secret | {"PGPORT": str(port), "LC_ALL": "C.UTF-8"},
        cwd="/",
        check=True,
        timeout=120,
        user=cluster.user,
        group=cluster.user,
        capture_output=True,
    )


@contextmanager
def restored(cluster: Cluster, backup: Path) -> Iterator["psycopg.Connection[Any]"]:
    """A server of its own over a backup, and a connection to it as its administrator."""
    port = free_port()
    server = subprocess.Popen(
        [
            str(cluster.binaries / "postgres"), "-D", str(backup), "-c", f"port={port}",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ],
        cwd="/", user=cluster.user, group=cluster.user, stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"},
    )
    try:
        with _connected(cluster, port) as connection:
            yield connection
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def _connected(cluster: Cluster, port: int) -> "psycopg.Connection[Any]":
    address = (
        f"postgres://{SUPERUSER}:{cluster.passwords['superuser']}@127.0.0.1:{port}/{DATABASE}"
    )
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(address, connect_timeout=2)
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)


@pytest.fixture
def backup_folder(cluster: Cluster) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cloister-backup-"))
    if cluster.user:
        os.chown(folder, cluster.user, cluster.user)
    yield folder / "base"
    shutil.rmtree(folder, ignore_errors=True)


def test_yesterday_s_backup_opens_nothing_that_was_erased_and_all_that_was_not(
    cluster: Cluster, backup_folder: Path, superuser: Rows
) -> None:
    olga, nora = make_person("olga", "privacy_officer"), make_person("nora", "auditor")
    gone, kept = recorded(), recorded({"question": "A question that stays."})
    ((port,),) = superuser("show port")
    _as_server(
        cluster, "pg_basebackup", "-h", "127.0.0.1", "-U", SUPERUSER, "-D", str(backup_folder),
        "-X", "stream", "-c", "fast", "--no-sync", port=int(port),
    )
    assert unlock(nora, gone) == CANARY
    erased(olga, nora, Scope.EVENT, gone)
    assert refusal(nora, gone) == "erased"
    with restored(cluster, backup_folder) as yesterday:
        store = keeping.key_ring().store
        for event_id in (gone, kept):
            ((key_id, data, header, leaf),) = yesterday.execute(
                "select key_id, ciphertext, header, leaf from compliance_content"
                " join compliance_event using (event_id) where event_id = %s",
                [event_id],
            ).fetchall()
            # It verifies there as it does here.
            assert hashlib.sha256(data).hexdigest().encode() in bytes(header)
            assert hashlib.sha256(b"\0" + bytes(header)).digest() == bytes(leaf)
            if event_id == kept:
                opened = open_sealed(event_id, data, store.find(key_id))
                assert opened == {"question": "A question that stays."}
            else:
                with pytest.raises(KeyDestroyed):
                    store.find(key_id)
    # Nowhere: not in a table, not in a dead row, not in the write-ahead log.
    assert files_with(backup_folder, CANARY.encode()) == []
    assert files_with(cluster.data, CANARY.encode()) == []


def files_with(folder: Path, words: bytes) -> list[str]:
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--binary-files=binary",
         "--no-messages", words.decode(), str(folder)],
        capture_output=True, text=True, timeout=120, check=False,
    )
    return found.stdout.splitlines()
