"""Which model servers this installation has, and which one answers."""

import threading
import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from assistant.config import read_state
from inference.client import Client
from inference.errors import Unavailable
from inference.health import check, served_names

PREFERRED = ("scout", "maverick")
TRUSTED_SECONDS = 30.0
"""A server that was found in order is asked again after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The model that answers, and why it.

    `max_model_len` is its context in tokens, None when its server does not tell.
    """

    client: Client
    model: str
    why: str
    max_model_len: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A server was in order at `at` (monotonic seconds) and told its model's context."""

    at: float
    max_model_len: int | None


_clients: dict[tuple[str, str], Client] = {}
_checked: dict[str, _Found] = {}
_lock = threading.Lock()


def addresses() -> dict[str, str]:
    """Model names and their addresses: from CLOISTER_MODELS, else what the launcher started."""
    given: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in settings.MODELS.split(","))):
        name, separator, address = entry.partition("=")
        if not separator:
            name, address = "", entry
        if address.startswith(("http://", "https://", "unix:")):
            given[name.strip() or _served_name(address.strip())] = address.strip()
    # Folders named there are served by the launcher, which says in its state where.
    started: dict[str, str] = read_state(settings.HOME).get("models", {})
    return started | given


def choose() -> Choice:
    """The model for the next answer; raises Unavailable when there is none in order."""
    known = addresses()
    if not known:
        raise Unavailable("No model server is set up. Start one, or set CLOISTER_MODELS.")
    name = next((preferred for preferred in PREFERRED if preferred in known), min(known))
    client = _client(name, known[name])
    found = _make_sure(client)
    why = "the only model" if len(known) == 1 else f"{name} answers first"
    return Choice(
        client=client, model=client.model, why=why, max_model_len=found.max_model_len
    )


def distrust() -> None:
    """Check the servers again before the next answer: one of them just failed."""
    _served_name.cache_clear()
    with _lock:
        _checked.clear()


@cache
def _served_name(address: str) -> str:
    """What the server at an address without a name calls its model."""
    return served_names(address)[0]


def _client(name: str, address: str) -> Client:
    with _lock:
        if (name, address) not in _clients:
            _clients[name, address] = Client(
                address,
                model=name,
                first_token_seconds=settings.FIRST_TOKEN_SECONDS,
                between_tokens_seconds=settings.BETWEEN_TOKENS_SECONDS,
            )
        return _clients[name, address]


def _make_sure(client: Client) -> _Found:
    """Refuse a server that is not ready, or that serves another model than it should."""
    now = time.monotonic()
    known = _checked.get(client.address)
    if known is not None and now - known.at < TRUSTED_SECONDS:
        return known
    health = check(client)
    if not health.ready:
        raise Unavailable(health.reason or f"The model server at {client.address} is not ready.")
    found = _Found(at=now, max_model_len=health.max_model_len)
    with _lock:
        _checked[client.address] = found
    return found
