"""Asks a model for text, and hands it over token by token."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from time import monotonic
from typing import Any

from inference.client import Cancel, Client, error_for
from inference.errors import BadReply, InferenceError, Stopped, Timeout, Unavailable, Unsalted
from inference.wire import Response

__all__ = [
    "Cancel",
    "Completion",
    "Delta",
    "Message",
    "Prompt",
    "Role",
    "Usage",
    "complete",
    "stream",
]

DONE = b"[DONE]"
EVENT_LIMIT_BYTES = 1024 * 1024
CLOSING_SECONDS = 1.0


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation, text only."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is asked, and the salt that says who may share its cached prefix.

    `cache_salt` must differ between people whose rights differ: vLLM mixes it into the first
    block's hash (vLLM, docs/design/prefix_caching.md), so a prefix is found again only under the
    same salt. There is no way to pass tools: a model here has no authority.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    cache_salt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the server counted, in tokens. `cached_tokens` is None when it does not tell."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of an answer. The last ones carry `finish_reason` and `usage`."""

    text: str
    finish_reason: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer."""

    text: str
    finish_reason: str
    usage: Usage | None


def stream(
    client: Client, prompt: Prompt, *, cancel: Cancel, rest: Callable[[], None] | None = None
) -> Generator[Delta, None, None]:
    """Yield the answer as it is written, then its finish reason and the tokens it used.

    `rest` is called before each read after the first token. A process with many streams sleeps a
    little there, so that a read brings several tokens and costs one system call for all.
    Closing the iterator early, or `cancel.set()` from another thread, hangs up, and the server
    stops writing. Raises Unsalted at once, before anything is sent; while reading: Stopped,
    Timeout, TooLong, Refused, BadReply, and Unavailable when the answer breaks off. What was
    yielded before an error stays with the caller and is not the whole answer.
    """
    _refuse_unsalted(prompt)
    return _stream(client, prompt, cancel, rest)


def complete(client: Client, prompt: Prompt, *, cancel: Cancel | None = None) -> Completion:
    """Return the answer in one piece; for short ones, since nothing shows until it is whole.

    The whole answer may take `client.first_token_seconds`. Raises what `stream` raises.
    """
    _refuse_unsalted(prompt)
    cancel = cancel or Cancel()
    body = _body(client, prompt)
    with client.chat(body, cancel=cancel, seconds=client.first_token_seconds) as response:
        reply = _parse(response.read())
        try:
            choice = reply["choices"][0]
            text, finish_reason = choice["message"]["content"] or "", choice["finish_reason"]
            usage = _usage(reply.get("usage"))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadReply("The model server's reply holds no answer.") from None
        if not isinstance(text, str):
            raise BadReply("The model server sent an answer that is not text.")
        return Completion(text=text, finish_reason=finish_reason, usage=usage)


def _refuse_unsalted(prompt: Prompt) -> None:
    if not prompt.cache_salt:
        raise Unsalted(
            "A prompt without cache_salt is not sent: its cached prefix could serve someone else. "
            "Derive the salt from the matter and its access epoch."
        )


def _body(client: Client, prompt: Prompt) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": client.model,
        "messages": [{"role": m.role.value, "content": m.content} for m in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "n": 1,
        "cache_salt": prompt.cache_salt,
    }
    return body if prompt.seed is None else {**body, "seed": prompt.seed}


def _stream(
    client: Client, prompt: Prompt, cancel: Cancel, rest: Callable[[], None] | None
) -> Generator[Delta, None, None]:
    body = {**_body(client, prompt), "stream": True, "stream_options": {"include_usage": True}}
    is_steady = has_finished = False
    deadline = monotonic() + client.first_token_seconds
    with client.chat(body, cancel=cancel, seconds=client.first_token_seconds) as response:
        # The head took some of the time; the first token has what is left of it.
        response.connection.patience(deadline - monotonic())
        pieces = _events(response, cancel)
        for events in pieces:
            has_token = False
            for event in events:
                if (delta := _delta(event)) is not None:
                    has_token = True
                    has_finished = has_finished or delta.finish_reason is not None
                    yield delta
            if DONE in events:
                _drain(response, pieces)
                return
            if has_token:
                deadline = monotonic() + client.between_tokens_seconds
                if not is_steady:
                    is_steady = True
                    response.rest = rest
                    response.connection.patience(client.between_tokens_seconds)
            elif (seconds_left := deadline - monotonic()) > 0:
                # Comments and empty events are not an answer: they do not buy more time.
                is_steady = False
                response.connection.patience(seconds_left)
            else:
                raise Timeout("The model server sends signs of life but no token.")
        if not has_finished:
            raise Unavailable("The model server broke off in the middle of its answer.")


def _events(response: Response, cancel: Cancel) -> Iterator[list[bytes]]:
    """Yield, for each piece that arrives, the data of the events that end in it; often just one.

    Only `data:` lines matter here, and a model server's data fits one line
    (server-sent events: HTML standard, section 9.2).
    """
    rest = b""
    for piece in response.pieces():
        if cancel.is_set:
            # What lies in the socket's buffer could still be read after it was shut down.
            raise Stopped("The answer was stopped.")
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if len(rest) > EVENT_LIMIT_BYTES:
            raise BadReply("The model server sent an event larger than 1 MiB.")
        yield [line[5:].strip() for line in lines if line.startswith(b"data:")]


def _drain(response: Response, pieces: Iterator[list[bytes]]) -> None:
    """Read the few bytes after [DONE], so that the connection can be used again."""
    response.connection.patience(CLOSING_SECONDS)
    with suppress(InferenceError):
        for _ in islice(pieces, 8):
            pass


def _delta(event: bytes) -> Delta | None:
    """Read one event. None when it holds neither text nor an end. Raises BadReply."""
    if event == DONE:
        return None
    reply = _parse(event)
    try:
        usage = _usage(reply.get("usage"))
        if not reply["choices"]:
            return Delta(text="", usage=usage) if usage else None
        choice = reply["choices"][0]
        text, finish_reason = choice["delta"].get("content") or "", choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _broken(reply) from None
    if not isinstance(text, str):
        raise BadReply("The model server sent a token that is not text.")
    if text or finish_reason or usage:
        return Delta(text=text, finish_reason=finish_reason, usage=usage)
    return None


def _broken(reply: dict[str, Any]) -> InferenceError:
    """Explain an event without choices: servers report a failure in mid-stream as one."""
    error = reply.get("error")
    if not isinstance(error, dict):
        return BadReply("The model server sent an event that holds no token.")
    code = error.get("code")
    return error_for(code if isinstance(code, int) else 500, str(error.get("message")))


def _parse(text: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(text)
    except ValueError:
        raise BadReply("The model server sent something that is not JSON.") from None
    if not isinstance(reply, dict):
        raise BadReply("The model server sent JSON that is not an object.")
    return reply


def _usage(counts: dict[str, Any] | None) -> Usage | None:
    if not counts:
        return None
    details = counts.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=counts.get("prompt_tokens", 0),
        completion_tokens=counts.get("completion_tokens", 0),
        cached_tokens=details.get("cached_tokens"),
    )
