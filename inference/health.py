"""Asks a model server whether it is ready, and what it serves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from inference.client import Client
from inference.errors import BadReply, Refused, Timeout, Unavailable

CHECK_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a model server says of itself.

    `ready` is false while it starts or cannot be reached; `reason` then says why in a sentence.
    `version` is empty and `max_model_len` (tokens) None when the server does not tell.
    `seconds` is how long the check took.
    """

    ready: bool
    served_models: tuple[str, ...] = ()
    version: str = ""
    max_model_len: int | None = None
    seconds: float = 0.0
    reason: str = ""


def check(client: Client) -> Health:
    """Ask the server at the client's address how it is.

    Raises Refused when it answers but does not serve `client.model`: a prompt must not go to a
    model that nobody chose. A server that cannot be reached or starts is reported, not raised.
    """
    started = perf_counter()
    try:
        models = _models(client)
        version = _version(client)
    except (Unavailable, Timeout, BadReply) as error:
        return Health(ready=False, reason=str(error), seconds=perf_counter() - started)
    names = tuple(str(model.get("id")) for model in models)
    if client.model not in names:
        raise Refused(
            f"The server at {client.address} serves {', '.join(names) or 'nothing'}, "
            f"not {client.model}. Correct the name or the address in CLOISTER_MODELS."
        )
    length = models[names.index(client.model)].get("max_model_len")
    return Health(
        ready=True,
        served_models=names,
        version=version,
        max_model_len=length if isinstance(length, int) else None,
        seconds=perf_counter() - started,
    )


def served_names(address: str, *, seconds: float = CHECK_SECONDS) -> tuple[str, ...]:
    """Return the names a server answers to, for an address that came without one.

    The first is the one vLLM was started with; adapters follow. Raises Refused for text that is no
    address, and Unavailable, Timeout or BadReply when the server does not tell within `seconds`.
    """
    client = Client(address, model="", connect_seconds=seconds)
    try:
        return tuple(str(model.get("id")) for model in _models(client, seconds=seconds))
    finally:
        client.close()


def _models(client: Client, *, seconds: float = CHECK_SECONDS) -> list[Mapping[str, Any]]:
    status, _ = client.get("/health", seconds=seconds)
    if status >= 500:
        raise Unavailable(f"The model server answers {status}: it is starting or unwell.")
    status, body = client.models(seconds=seconds)
    if status != 200:
        raise Unavailable(f"The model server answers {status} when asked for its models.")
    models = _object(body).get("data")
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise BadReply("The model server's list of models is not a list.")
    return models


def _version(client: Client) -> str:
    """Return vLLM's version; other servers have no such page, and that is no fault of theirs."""
    status, body = client.get("/version", seconds=CHECK_SECONDS)
    return str(_object(body).get("version", "")) if status == 200 else ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(body)
    except ValueError:
        raise BadReply("The model server sent something that is not JSON.") from None
    if not isinstance(reply, dict):
        raise BadReply("The model server sent JSON that is not an object.")
    return reply
