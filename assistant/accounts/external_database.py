"""Makes an external PostgreSQL ready: checks what Cloister rests on, and separates the roles.

ExternalDatabaseError
└── Unfit       this server, database or role cannot hold Cloister; the message says what to do
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from assistant.config import Config, read_made_roles

OLDEST_SERVER = 15
OLDEST_VECTOR = (0, 8)
CONNECT_SECONDS = 5
USES = ("app", "signin", "sequencer", "signer")
"""What roles are made for: pages and workers, sessions, the record's numbers, its signatures."""


class ExternalDatabaseError(Exception):
    """Something about the external database is not as it should be."""


class Unfit(ExternalDatabaseError):
    """Cloister cannot run on this database as it is."""


class Kind(StrEnum):
    """How the database roles of an installation came about."""

    GIVEN = "given"
    MADE = "made"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was found or made. `warning` is for the operator, empty when all is well."""

    kind: Kind
    owner: str
    app: str
    signin: str
    sequencer: str
    signer: str
    warning: str = ""


def prepare(config: Config, *, new_passwords: bool = False) -> Prepared:
    """Check the server and settle which roles the application uses; safe to repeat.

    Raises Unfit with a sentence for the operator. Needs `config.database_url`.
    """
    assert config.database_url is not None, "an embedded database is prepared by the launcher"
    address = config.database_owner_url or config.database_url
    with _connect(address) as owner:
        _check_server(owner)
        _check_vector(owner)
        _check_may_create(owner)
        if config.database_owner_url:
            return _given(config, owner)
        return _made_or_single(config, owner, new_passwords=new_passwords)


def _given(config: Config, owner: psycopg.Connection[Any]) -> Prepared:
    """The operator named both roles."""
    assert config.database_url is not None
    app = _role_of(config.database_url)
    signin = _role_of(config.database_signin_url) if config.database_signin_url else app
    ledger = {
        use: address
        for use, address in (
            ("sequencer", config.database_sequencer_url),
            ("signer", config.database_signer_url),
        )
        if address
    }
    for address in (config.database_url, config.database_signin_url, *ledger.values()):
        if address:
            _try_as(address)
    _check_role(owner, app)
    _check_migrated_for(owner, app)
    warning = (
        ""
        if signin != app
        else f"The role {app} also opens sessions and reads password hashes. "
        "Give a role of its own for that with CLOISTER_DATABASE_SIGNIN_URL."
    )
    roles = {"sequencer": owner.info.user, "signer": owner.info.user}
    roles |= {use: _role_of(address) for use, address in ledger.items()}
    return Prepared(
        kind=Kind.GIVEN,
        owner=owner.info.user,
        app=app,
        signin=signin,
        **roles,
        warning=warning,
    )


def _made_or_single(
    config: Config, owner: psycopg.Connection[Any], *, new_passwords: bool
) -> Prepared:
    """One address was given: make the other two roles, if its role may."""
    assert config.database_url is not None
    me = owner.info.user
    migrated_for = _migrated_for(owner)
    kept = read_made_roles(config.home)
    names = _names(owner.info.dbname)
    if migrated_for == me or not (kept or migrated_for or _may_create_roles(owner)):
        _check_role(owner, me)
        return Prepared(
            kind=Kind.SINGLE,
            owner=me,
            app=me,
            signin=me,
            sequencer=me,
            signer=me,
            warning=_how_to_part(owner),
        )
    # Some are missing when an older version made them.
    missing = {use: role for use, role in names.items() if use not in kept}
    names |= {use: _role_of(address) for use, address in kept.items()}
    _check_migrated_for(owner, names["app"])
    if migrated_for and not (kept or new_passwords):
        raise _made_for_another(migrated_for, "the role in secrets/database_roles, which is gone")
    if new_passwords:
        kept = _make_roles(config.database_url, owner, names)
        _keep(config.home / "secrets" / "database_roles", kept)
    elif missing and _may_create_roles(owner):
        kept |= _make_roles(config.database_url, owner, missing)
        _keep(config.home / "secrets" / "database_roles", kept)
    for address in kept.values():
        _try_as(address)
    roles = {use: _role_of(address) for use, address in kept.items()}
    _check_role(owner, roles["app"])
    return Prepared(
        kind=Kind.MADE,
        owner=me,
        app=roles["app"],
        signin=roles["signin"],
        sequencer=roles.get("sequencer", me),
        signer=roles.get("signer", me),
    )


# --- What Cloister rests on ------------------------------------------------------------------


def _connect(address: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS)
    except psycopg.OperationalError as error:
        where = urlsplit(address)
        raise Unfit(
            f"PostgreSQL at {where.hostname or 'the local socket'} does not let "
            f"{_role_of(address) or 'us'} in: {str(error).strip()}. Check DATABASE_URL."
        ) from error


def _check_server(owner: psycopg.Connection[Any]) -> None:
    if owner.info.server_version < OLDEST_SERVER * 10_000:
        raise Unfit(
            f"This is PostgreSQL {owner.info.server_version // 10_000}; Cloister needs "
            f"{OLDEST_SERVER} or newer. Upgrade the server."
        )


def _check_vector(owner: psycopg.Connection[Any]) -> None:
    version = _one(owner, "select extversion from pg_extension where extname = 'vector'")
    if version is None:
        try:
            owner.execute("create extension vector")
        except psycopg.Error as error:
            raise Unfit(
                "The extension vector is missing. Ask the administrator to run "
                f"CREATE EXTENSION vector in database {owner.info.dbname} "
                f"(pgvector {_dotted(OLDEST_VECTOR)} or newer)."
            ) from error
        version = _one(owner, "select extversion from pg_extension where extname = 'vector'")
    if tuple(int(part) for part in str(version).split(".")[:2]) < OLDEST_VECTOR:
        raise Unfit(
            f"This is pgvector {version}; Cloister needs {_dotted(OLDEST_VECTOR)} or newer. Ask "
            "the administrator to run ALTER EXTENSION vector UPDATE in database "
            f"{owner.info.dbname}."
        )


def _check_may_create(owner: psycopg.Connection[Any]) -> None:
    """Migrations make tables in `public` and a schema of their own."""
    me, database = owner.info.user, owner.info.dbname
    if not _one(owner, "select has_database_privilege(current_database(), 'create')"):
        raise Unfit(f"Ask the administrator to run GRANT CREATE ON DATABASE {database} TO {me}.")
    if not _one(owner, "select has_schema_privilege('public', 'create')"):
        raise Unfit(
            "Ask the administrator to run GRANT CREATE, USAGE ON SCHEMA public "
            f"TO {me} in database {database}."
        )


def _check_role(owner: psycopg.Connection[Any], app: str) -> None:
    """Refuse a role that row security does not hold for, by itself or by becoming another."""
    row = owner.execute(
        "select rolsuper, rolbypassrls from pg_roles where rolname = %s", [app]
    ).fetchone()
    if row is None:
        raise Unfit(f"There is no role {app} on this server.")
    is_superuser, passes = row
    if is_superuser or passes:
        how = "is a superuser" if is_superuser else "has BYPASSRLS"
        raise Unfit(
            f"The role {app} {how}, so row security would not hold and everybody would see "
            "everything. Give DATABASE_URL with a role that is NOSUPERUSER NOBYPASSRLS."
        )
    if app != owner.info.user and _one(
        owner, "select pg_has_role(%s, current_user, 'member')", app
    ):
        raise Unfit(
            f"The role {app} is a member of {owner.info.user}, which owns the tables, and could "
            f"switch row security off. Run REVOKE {owner.info.user} FROM {app}."
        )


def _check_migrated_for(owner: psycopg.Connection[Any], app: str) -> None:
    """Policies and rights name the application's role, so it cannot change under the tables."""
    found = _migrated_for(owner)
    if found is not None and found != app:
        raise _made_for_another(found, app)


def _made_for_another(found: str, app: str) -> Unfit:
    return Unfit(
        f"The tables of this database were made for the application's role {found}, not for {app}. "
        "Use that role: copy secrets/database_roles from the installation that made them, or give "
        "DATABASE_URL with it and CLOISTER_DATABASE_OWNER_URL with the owner. If its password is "
        "lost, run `manage.py prepare_database --new-passwords`."
    )


def _migrated_for(owner: psycopg.Connection[Any]) -> str | None:
    role = _one(
        owner,
        "select roles[1]::text from pg_policies where schemaname = 'public'"
        " and tablename = 'access_matter' and policyname = 'may_read'",
    )
    return None if role is None else str(role)


# --- Making roles ----------------------------------------------------------------------------


def _may_create_roles(owner: psycopg.Connection[Any]) -> bool:
    found = _one(
        owner, "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
    )
    return bool(found)


def _names(database: str) -> dict[str, str]:
    """Roles belong to the whole server, so their names carry the database's."""
    short = hashlib.sha256(database.encode()).hexdigest()[:8]
    return {use: f"cloister_{use}_{short}" for use in USES}


def _make_roles(
    address: str, owner: psycopg.Connection[Any], names: dict[str, str]
) -> dict[str, str]:
    """Make the roles with new passwords; returns the address of each use."""
    may_connect = "select has_database_privilege(%s, current_database(), 'connect')"
    addresses = {}
    for use, role in names.items():
        password = secrets.token_urlsafe(32)
        # The server gets a verifier and not the password, which may end in its log.
        verifier = owner.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        exists = _one(owner, "select 1 from pg_roles where rolname = %s", role)
        statement = (
            "alter role {} with login password {}"
            if exists
            else "create role {} with login nosuperuser nobypassrls nocreaterole nocreatedb"
            " password {}"
        )
        owner.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(verifier)))
        if not _one(owner, may_connect, role):
            owner.execute(
                sql.SQL("grant connect on database {} to {}").format(
                    sql.Identifier(owner.info.dbname), sql.Identifier(role)
                )
            )
        addresses[use] = _as_role(address, role, password)
    return addresses


def _how_to_part(owner: psycopg.Connection[Any]) -> str:
    names = _names(owner.info.dbname)
    app, signin = names["app"], names["signin"]
    me, database = owner.info.user, owner.info.dbname
    return (
        f"One database role, {me}, does everything here: it owns the tables, and it is what pages "
        "and workers use. Row security is forced upon it too, so that people are kept apart, but "
        "whoever takes over the application could switch row security off. Before there are "
        "tables, ask the administrator for two more roles:\n"
        f"  CREATE ROLE {app} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '...';\n"
        f"  CREATE ROLE {signin} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '...';\n"
        f"  GRANT CONNECT ON DATABASE {database} TO {app}, {signin};\n"
        f"Then give DATABASE_URL with {app}, CLOISTER_DATABASE_SIGNIN_URL with {signin} and "
        f"CLOISTER_DATABASE_OWNER_URL with {me}."
    )


def _try_as(address: str) -> None:
    """Whether the server lets the role in; `pg_hba.conf` may name roles."""
    with _connect(address) as connection:
        connection.execute("select 1")


def _keep(path: Path, addresses: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(addresses, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _as_role(address: str, role: str, password: str) -> str:
    """The same server, database and options, as another role."""
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{place}"))


def _role_of(address: str) -> str:
    return unquote(urlsplit(address).username or "")


def _one(connection: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values or None).fetchone()
    return row[0] if row else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
