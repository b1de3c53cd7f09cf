"""A witness: remembers the last head of each log and signs the next one, if it extends the last.

    python -m compliance.ledger.witness init --state FOLDER --name NAME
    python -m compliance.ledger.witness trust --state FOLDER VKEY
    python -m compliance.ledger.witness serve --state FOLDER [--listen HOST:PORT]
    python -m compliance.ledger.witness add --state FOLDER < request > reply

For a second host that the record's administrator does not hold: the privacy officer's, the
auditor's. It needs Python, the package `cryptography`, and of Cloister only this file, place.py,
verify.py and note.py. What it says with a signature is: "at this time of my clock I saw this head,
and it extends every head I have signed before." It speaks C2SP tlog-witness over HTTP, or takes a
request and gives a reply as text, to be carried by hand.
"""

import argparse
import base64
import json
import re
import sys
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from compliance.ledger.place import made_once, replace
from compliance.note import SigningKey, cosign
from compliance.verify import (
    COSIGNED,
    SIGNED,
    Checkpoint,
    Key,
    NotValid,
    read_body,
    read_note,
    read_vkey,
    split_note,
    verify_consistency,
)

LARGEST_REQUEST = 64_000
_PATIENCE_SECONDS = 10.0
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as tlog-witness has it: a status of HTTP, and a text."""

    status: int
    text: str
    kind: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    old: int
    proof: list[bytes]
    note: str


class Witness:
    """Keeps the last head of each log it trusts, on the disk before it answers."""

    def __init__(self, state: Path) -> None:
        """Raises NotValid when the folder holds no witness."""
        self._state = state
        self._lock = threading.Lock()
        try:
            self.key = SigningKey.read((state / "witness.key").read_text())
        except OSError as error:
            raise NotValid(f"There is no witness in {state}. Make one with `init`.") from error

    def logs(self) -> dict[str, Key]:
        """The logs it signs for, by their origin."""
        try:
            lines = (self._state / "logs").read_text().split()
        except FileNotFoundError:
            return {}
        return {key.name: key for key in map(read_vkey, lines)}

    def trust(self, vkey: str) -> None:
        """Sign for this log too. Raises NotValid for what is no log's key, or another key of it."""
        key = read_vkey(vkey)
        known = self.logs()
        if key.kind != SIGNED or (key.name in known and known[key.name] != key):
            raise NotValid(f"{key.name} is known with another key, or this is no log's key.")
        lines = (self._state / "logs").read_text() if known else ""
        if key.name not in known:
            replace(self._state / "logs", (lines + vkey + "\n").encode())

    def seen(self, origin: str) -> tuple[int, bytes]:
        """The size and root of the last head of a log that it has signed."""
        try:
            said = json.loads(self._file(origin).read_bytes())
        except FileNotFoundError:
            return 0, b""
        return int(said["size"]), base64.b64decode(said["root"])

    def add(self, request: str) -> Reply:
        """Sign the head in a request, or say why not."""
        try:
            asked = _read_request(request)
            origin = read_body(split_note(asked.note)[0]).origin
        except NotValid as error:
            return Reply(status=400, text=f"{error}\n")
        key = self.logs().get(origin)
        if key is None:
            return Reply(status=404, text="this witness does not know the log\n")
        try:
            checkpoint = read_note(asked.note, [key])
        except NotValid as error:
            return Reply(status=403, text=f"{error}\n")
        with self._lock:
            return self._sign(asked, checkpoint)

    def _sign(self, asked: _Asked, checkpoint: Checkpoint) -> Reply:
        size, root = self.seen(checkpoint.origin)
        if asked.old > checkpoint.size:
            return Reply(status=400, text="the old size is beyond the checkpoint's\n")
        if asked.old != size or (checkpoint.size == size and checkpoint.root != root and size):
            return Reply(status=409, text=f"{size}\n", kind="text/x.tlog.size")
        if not _extends(asked, checkpoint, root):
            return Reply(status=422, text="the proof does not lead from the last head to this\n")
        said = {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}
        replace(self._file(checkpoint.origin), json.dumps(said).encode() + b"\n", mode=0o600)
        return Reply(status=200, text=cosign(checkpoint.body, self.key, time=self._time()))

    def _time(self) -> int:
        """This host's clock, but never a time before one that was signed."""
        file = self._state / "time"
        now = int(time.time())
        last = int(file.read_text()) if file.exists() else 0
        if now > last:
            replace(file, f"{now}\n".encode(), mode=0o600)
        return max(now, last)

    def _file(self, origin: str) -> Path:
        return self._state / f"head-{sha256(origin.encode()).hexdigest()[:32]}.json"


def make(state: Path, name: str) -> str:
    """Make a witness, or find the one that is there; gives its verification key."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    made_once(state / "witness.key", SigningKey.new(name, kind=COSIGNED).write().encode())
    return Witness(state).key.vkey


def server(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """An HTTP server that answers POST /add-checkpoint."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint":
                self._answer(Reply(status=404, text="POST to /add-checkpoint\n"))
            elif not length.isdigit() or int(length) > LARGEST_REQUEST:
                self._answer(Reply(status=413, text="the request is too long\n"))
            else:
                body = self.rfile.read(int(length)).decode(errors="replace")
                self._answer(witness.add(body))

        def _answer(self, reply: Reply) -> None:
            data = reply.text.encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return

    return ThreadingHTTPServer((host, port), Handler)


def main(words: list[str] | None = None) -> int:
    """The command line. 0: done, 1: refused, 2: cannot run."""
    chosen = _parser().parse_args(words)
    try:
        if chosen.do == "init":
            sys.stdout.write(make(chosen.state, chosen.name) + "\n")
            return 0
        witness = Witness(chosen.state)
        if chosen.do == "trust":
            witness.trust(chosen.vkey)
            return 0
        if chosen.do == "add":
            reply = witness.add(sys.stdin.read())
            (sys.stdout if reply.status == 200 else sys.stderr).write(reply.text)
            return 0 if reply.status == 200 else 1
        host, _, port = chosen.listen.rpartition(":")
        sys.stdout.write(f"{witness.key.vkey} listens on {chosen.listen}\n")
        sys.stdout.flush()
        with server(witness, host, int(port)) as serving:
            serving.serve_forever()
    except (NotValid, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="witness", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    doing = parser.add_subparsers(dest="do", required=True)
    for name in ("init", "trust", "serve", "add"):
        one = doing.add_parser(name)
        one.add_argument("--state", type=Path, required=True, help="the witness's folder")
        if name == "init":
            one.add_argument("--name", required=True, help="as its signatures name it")
        if name == "trust":
            one.add_argument("vkey", help="a log's verification key")
        if name == "serve":
            one.add_argument("--listen", default="127.0.0.1:9440", help="host:port")
    return parser


def _read_request(request: str) -> _Asked:
    head, _, note = request.partition("\n\n")
    old, *proof = head.split("\n")
    match = _OLD.fullmatch(old)
    if match is None or len(proof) > 63 or not note:
        raise NotValid("a request is `old SIZE`, a proof, an empty line and a checkpoint")
    try:
        hashes = [base64.b64decode(line, validate=True) for line in proof]
    except ValueError as error:
        raise NotValid("a line of the proof is not in base64") from error
    return _Asked(old=int(match[1]), proof=hashes, note=note)


def _extends(asked: _Asked, checkpoint: Checkpoint, root: bytes) -> bool:
    if asked.old == 0:
        return not asked.proof
    return verify_consistency(asked.old, checkpoint.size, root, checkpoint.root, asked.proof)


if __name__ == "__main__":
    sys.exit(main())
