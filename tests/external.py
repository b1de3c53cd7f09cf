"""Servers that are not ours: a second PostgreSQL and a Valkey, as a site's own staff run them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from assistant.launcher import postgres, valkey
from assistant.launcher.home import Home
from tests.installation import CHECKOUT, free_port

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A PostgreSQL whose administrator we are."""

    port: int
    password: str

    def sql(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL as the administrator."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=postgres.SUPERUSER,
            password=self.password,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def address(self, role: str, password: str, database: str) -> str:
        """What an operator puts into DATABASE_URL."""
        return (
            f"postgres://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"
            "?sslmode=prefer"
        )

    def make(self, role: str, password: str, *, attributes: str = "", vector: bool = True) -> str:
        """A role with a database of the same name; returns the address."""
        self.sql(f"create role {role} login password '{password}' {attributes}")
        self.sql(f"create database {role} owner {role}")
        if vector:
            self.sql("create extension vector", database=role)
        return self.address(role, password, role)


@contextmanager
def postgres_server(folder: Path) -> Iterator[Server]:
    """A cluster of its own, with passwords, over TCP alone."""
    home = Home(folder=folder)
    home.prepare()
    cluster = postgres.locate(home, port=free_port())
    command = [*postgres.part(cluster).command, "-c", "fsync=off"]
    with _running(command, cluster.port, user=cluster.user, stop=signal.SIGINT):
        server = Server(port=cluster.port, password=cluster.passwords["superuser"])
        _wait_until_open(server)
        yield server


def _wait_until_open(server: Server) -> None:
    """The port is taken before the server lets anybody in."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            server.sql("select 1")
            return
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)


@contextmanager
def valkey_server(folder: Path) -> Iterator[str]:
    """A Valkey with a password; yields its address."""
    home = Home(folder=folder)
    home.prepare()
    port = free_port()
    part = valkey.part(home, port=port)
    with _running(list(part.command), port, user=None, stop=signal.SIGTERM):
        yield valkey.address(home, port=port)


@contextmanager
def _running(
    command: list[str], port: int, *, user: int | None, stop: signal.Signals
) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=user,
        group=user,
        extra_groups=() if user else None,
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server on port {port} did not start.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An installation whose parts run elsewhere: commands with the site's variables and no more."""

    home: Path
    variables: dict[str, str]

    def manage(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a `manage.py` command as the site's operator."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CLOISTER_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CHECKOUT,
            env=clean | {"CLOISTER_HOME": str(self.home)} | self.variables | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command that has to succeed."""
        result = self.manage(*words, **variables)
        assert result.returncode == 0, f"{words}\n{result.stdout}\n{result.stderr}"
        return result
