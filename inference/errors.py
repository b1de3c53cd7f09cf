"""What can go wrong when Cloister talks to a model.

    InferenceError
    ├── Unavailable   nobody answers, the server failed, or an answer broke off; worth another try
    ├── Timeout       the server took longer than it was given
    ├── Refused       the server or we said no to this request; the same request fails again
    │   └── Unsalted  a prompt came without `cache_salt`; nothing was sent
    ├── TooLong       the prompt does not fit the model's context
    ├── BadReply      the server answered something that is not the protocol
    └── Stopped       `Cancel.set()` was called
"""


class InferenceError(Exception):
    """The root of every error that leaves this package on purpose."""


class Unavailable(InferenceError):
    """Nobody answers, the server failed (5xx, 429) or an answer broke off before its end."""


class Timeout(InferenceError):
    """The first token, or the next one, did not come in the time it was given."""


class Refused(InferenceError):
    """The request was turned down (4xx, wrong model, wrong file); repeating it does not help."""


class Unsalted(Refused, ValueError):
    """A prompt has no `cache_salt`, so its cached prefix could serve someone without the rights."""


class TooLong(InferenceError):
    """The prompt is longer than the model's context.

    A prompt that leaves little room is no error: the answer then ends early, by "length".
    """


class BadReply(InferenceError):
    """The server's bytes are not HTTP, not server-sent events or not the expected JSON."""


class Stopped(InferenceError):
    """The caller stopped the answer."""
