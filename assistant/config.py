"""Every knob of an installation, typed, in one class.

Values come from the environment. What the environment does not give and a running installation
knows (addresses of the embedded parts) is read from `home/run/state.json`, so that each
`manage.py` command finds the installation it belongs to.
"""

import contextlib
import json
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from assistant.config_sign_on import SignOnConfig

CHECKOUT = Path(__file__).resolve().parent.parent


class Config(SignOnConfig):
    """Every variable an operator can set. Described in docs/operations.md; a test compares them."""

    model_config = SettingsConfigDict(env_prefix="CLOISTER_", frozen=True, populate_by_name=True)

    home: Path = Field(default=CHECKOUT / "var", description="data folder of the installation")
    host: str = Field(default="127.0.0.1", description="address the web server listens on")
    port: int = Field(default=8000, ge=1, le=65535, description="port of the web server")
    allowed_hosts: str = Field(
        default="127.0.0.1,localhost,[::1]", description="host names the site answers to"
    )
    https: bool = Field(
        default=False, description="served over TLS: secure cookies, HSTS (nginx terminates TLS)"
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="PostgreSQL, as the application's role; empty means the embedded one",
    )
    database_owner_url: str | None = Field(
        default=None, description="the same database as the role that owns the tables"
    )
    database_signin_url: str | None = Field(
        default=None, description="the same database as the role that opens sessions"
    )
    database_sequencer_url: str | None = Field(
        default=None, description="the same database as the role that numbers the record"
    )
    database_signer_url: str | None = Field(
        default=None, description="the same database as the role that signs the record"
    )
    redis_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("redis_url", "REDIS_URL"),
        description="Redis or Valkey; empty means the embedded one",
    )
    model: str = Field(
        default="smollm2-135m", description="small model to serve: smollm2-135m, "
        "qwen2.5-coder-1.5b or both"
    )
    models: str = Field(
        default="", description="model servers or folders, `name=address-or-folder,...`"
    )
    embedding_model: Path | None = Field(
        default=None, description="folder of a SentenceTransformer; empty means the bundled one"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="signing secret; made on first start when empty"
    )
    content_keys: Path | None = Field(
        default=None, description="folder of the keys of recorded content; empty: keys/ in home"
    )
    content_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="secret those keys are wrapped with; made on first start when empty",
    )
    content_days: int = Field(
        default=0, ge=0, description="days for which recorded content may not be erased"
    )
    first_token_seconds: float = Field(
        default=60, gt=0, description="longest wait for a model's first token"
    )
    between_tokens_seconds: float = Field(
        default=20, gt=0, description="longest silence between two tokens"
    )
    answer_tokens: int = Field(default=400, ge=16, description="longest answer, in tokens")
    passages_shown: int = Field(default=8, ge=1, le=40, description="passages shown as evidence")
    passages_read: int = Field(
        default=4, ge=1, le=40, description="passages given to the model"
    )
    searches_at_once: int = Field(
        default=0, ge=0, description="searches at once; 0 means one more than the processors"
    )
    question_characters: int = Field(
        default=8_000, ge=100, description="longest question, in characters"
    )
    upload_megabytes: int = Field(default=200, ge=1, description="largest file taken in")
    session_hours: float = Field(
        default=12, gt=0, description="a session ends this long after sign-in"
    )
    session_idle_minutes: float = Field(
        default=60, gt=0, description="a session ends this long after the last request"
    )
    lease_seconds: float = Field(
        default=15, gt=1, description="a worker silent this long has lost its answer"
    )
    disk_free_percent: float = Field(
        default=5, ge=0, le=100, description="a disk with less free space raises an alarm"
    )
    database_gigabytes: float = Field(
        default=0, ge=0, description="a database larger than this raises an alarm; 0: no limit"
    )
    ledger_syslog: str = Field(
        default="", description="where signed heads of the record go: a socket, or host:port"
    )
    debug: bool = Field(default=False, description="developers only: tracebacks on error pages")


@cache
def get_config() -> Config:
    """Read the environment once."""
    return Config()


def read_state(home: Path) -> dict[str, Any]:
    """What the running installation says of itself; empty when none runs."""
    try:
        state = json.loads((home / "run" / "state.json").read_text())
    except (FileNotFoundError, NotADirectoryError, PermissionError, json.JSONDecodeError):
        return {}
    return state if isinstance(state, dict) else {}


def read_made_roles(home: Path) -> dict[str, str]:
    """Addresses of the roles that `manage.py prepare_database` made on an external server."""
    try:
        roles: dict[str, str] = json.loads((home / "secrets" / "database_roles").read_text())
    except FileNotFoundError:
        return {}
    return roles


def ledger_address(config: Config, home: Path, role: str) -> str:
    """The database as `sequencer` or `signer`; as the owner where there is no such role."""
    given = {"sequencer": config.database_sequencer_url, "signer": config.database_signer_url}
    if address := given[role]:
        return address
    if config.database_url:
        made = read_made_roles(home)
        return made.get(role) or config.database_owner_url or config.database_url
    known: dict[str, str] = read_state(home).get("databases", {})
    nowhere = "postgres://cloister@127.0.0.1:1/cloister"
    return known.get(role) or known.get("owner", nowhere)


def read_secret(home: Path, name: str) -> str:
    """A secret of this installation, made on first use and readable by its owner alone."""
    path = home / "secrets" / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    # A link, so that of two processes starting at once both read the whole of the first's secret.
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return path.read_text().strip()
