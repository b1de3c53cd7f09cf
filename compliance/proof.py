"""Make one event's proof: a file that stands alone (C2SP tlog-proof)."""

import base64
from collections.abc import Mapping, Sequence

from compliance import canonical
from compliance.canonical import Value
from compliance.merkle import inclusion_path
from compliance.verify import HashAt, read_body, split_note

SUFFIX = ".tlog-proof"


def write(
    *, header: bytes, index: int, checkpoint: str, hash_at: HashAt, policy: Mapping[str, Value]
) -> str:
    """The proof that this header is event `index` of the log, as text.

    `checkpoint` is a signed note, with witnesses' lines; `policy` names the keys, as
    `bundle.policy_of` does. Header and keys go along as extra data, so that one file is enough.
    Raises ValueError when the checkpoint does not cover the event.
    """
    size = read_body(split_note(checkpoint)[0]).size
    path = inclusion_path(index, size, hash_at)
    extra = canonical.encode({"header": header.decode(), "policy": policy})
    return _text(base64.b64encode(extra).decode(), index, path, checkpoint)


def _text(extra: str, index: int, path: Sequence[bytes], checkpoint: str) -> str:
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in path)
    return f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n{hashes}\n{checkpoint}"
