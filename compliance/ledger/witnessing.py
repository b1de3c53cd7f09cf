"""Ask witnesses on other hosts to cosign the newest head (C2SP tlog-witness).

A witness is named in the file `ledger/witnesses`: its verification key, then its address; without
an address its lines are carried by hand (`manage.py witness`). A thread of the signer asks, so that
a witness that hangs holds nothing up.
"""

import base64
import http.client
import logging
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg

from compliance import merkle
from compliance.ledger import keys, tree
from compliance.ledger.alarms import Kind
from compliance.ledger.database import Database, connect
from compliance.ledger.errors import Damaged, LedgerError
from compliance.ledger.keys import SignerKeys
from compliance.ledger.pen import Pen
from compliance.ledger.place import Place
from compliance.verify import (
    Key,
    NotValid,
    check_signature,
    read_signature_line,
    read_vkey,
    split_note,
)

ROUND_SECONDS = 2.0
PATIENCE_SECONDS = 5.0
STALE_SECONDS = 45.0
"""A witness that has not signed a newer head for so long is stale."""

logger = logging.getLogger("witnesses")

_NEWEST = "SELECT size, note FROM compliance_checkpoint ORDER BY size DESC LIMIT 1"
_COSIGNED = "SELECT coalesce(max(size), 0) FROM compliance_cosignature WHERE witness = %s"
_KEEP = """
INSERT INTO compliance_cosignature (size, witness, line, received_at)
VALUES (%s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING
"""


class Refused(Exception):
    """A witness did not sign. `size` is what it has seen, when it says so."""

    def __init__(self, status: int, size: int | None = None) -> None:
        super().__init__(f"the witness answered {status}")
        self.status = status
        self.size = size


@dataclass(slots=True, kw_only=True)
class Witness:
    """A witness and what it has signed so far."""

    key: Key
    vkey: str
    address: str
    known: int = 0
    since: float = field(default_factory=time.monotonic)
    """When it last had nothing left to sign (monotonic)."""


def read_witnesses(place: Place) -> list[Witness]:
    """The witnesses of this installation. A line that cannot be read is left out, and logged."""
    found: list[Witness] = []
    try:
        lines = place.witnesses.read_text().splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            key = read_vkey(words[0])
        except NotValid as error:
            logger.error("a line of %s is left out: %s", place.witnesses, error)
            continue
        found.append(Witness(key=key, vkey=words[0], address=words[1] if len(words) > 1 else ""))
    return found


def request(database: Database, old: int, size: int, note: str) -> str:
    """What a witness is asked: what it has seen, the proof that this extends it, the head."""
    hash_at = tree.hash_at(database)
    path = merkle.consistency_path(old, size, hash_at) if 0 < old < size else []
    proof = "".join(base64.b64encode(one).decode() + "\n" for one in path)
    return f"old {old}\n{proof}\n{note}"


def accept(database: Database, witness: Key, size: int, note: str, reply: str) -> str:
    """Keep a witness's line, once it was checked. Raises NotValid when it does not hold."""
    body, _ = split_note(note)
    for line in reply.splitlines():
        name, signature = read_signature_line(line)
        if name == witness.name and signature[:4] == witness.key_id:
            check_signature(body, witness, signature)
            database.execute(_KEEP, [size, witness.name, line])
            return line
    raise NotValid(f"there is no line of {witness.name} in the reply")


def begin(address: str, place: Place, known: SignerKeys, stop: threading.Event) -> threading.Thread:
    """Ask until the signer stops."""
    thread = threading.Thread(
        target=_ask_until, args=(address, place, known, stop), name="witnesses", daemon=True
    )
    thread.start()
    return thread


def _ask_until(address: str, place: Place, known: SignerKeys, stop: threading.Event) -> None:
    witnesses = {witness.key.name: witness for witness in read_witnesses(place)}
    changed = _changed(place)
    while not stop.wait(ROUND_SECONDS):
        if changed != (changed := _changed(place)):
            witnesses = {witness.key.name: witness for witness in read_witnesses(place)}
        if not witnesses:
            continue
        try:
            with connect(address, name="witnesses") as database:
                pen = Pen(database, keys.escrow(place))
                while not stop.is_set() and changed == _changed(place):
                    for witness in witnesses.values():
                        _ask(database, pen, witness)
                    stop.wait(ROUND_SECONDS)
        except psycopg.Error as trouble:
            logger.warning("the database is away: %s", type(trouble).__name__)
        except (LedgerError, ValueError) as trouble:
            # Asked again: one witness that answers nonsense does not silence the others for good.
            logger.error("witnesses are asked again: %s", trouble)


def _changed(place: Place) -> float:
    try:
        return place.witnesses.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _ask(database: Database, pen: Pen, witness: Witness) -> None:
    """Ask one witness about the newest head, and say when it is stale or has seen another log."""
    newest = database.execute(_NEWEST).fetchone()
    if newest is None:
        return
    size, note = newest
    if not witness.known:
        row = database.execute(_COSIGNED, [witness.key.name]).fetchone()
        witness.known = row[0] if row else 0
    name = witness.key.name
    if witness.known < size and witness.address:
        try:
            _cosign(database, witness, size, note)
            pen.clear_alarm(Kind.FORK, name)
        except Refused as refused:
            # 409: it has seen more, or another root at this size; 422: the proof does not hold.
            if refused.status == 422 or (refused.size or 0) > size:
                pen.raise_alarm(Kind.FORK, name, number=refused.size)
        except (OSError, http.client.HTTPException, NotValid, Damaged) as trouble:
            logger.warning("%s does not sign: %s", name, trouble)
    elif not witness.address:
        row = database.execute(_COSIGNED, [name]).fetchone()
        witness.known = row[0] if row else 0
    now = time.monotonic()
    if witness.known >= size:
        witness.since = now
        pen.clear_alarm(Kind.WITNESS, name)
    elif now - witness.since > STALE_SECONDS and witness.address:
        pen.raise_alarm(Kind.WITNESS, name, number=witness.known)


def _cosign(database: Database, witness: Witness, size: int, note: str) -> None:
    for _ in range(2):
        try:
            reply = _post(witness.address, request(database, witness.known, size, note))
            accept(database, witness.key, size, note, reply)
            witness.known = size
            return
        except Refused as refused:
            # It remembers another size than we thought: asked once more from there.
            if refused.status != 409 or refused.size is None or refused.size >= size:
                raise
            witness.known = refused.size
    raise Refused(409, witness.known)


def _post(address: str, text: str) -> str:
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    try:
        path = parts.path.rstrip("/") + "/add-checkpoint"
        connection.request("POST", path, text.encode(), {"Content-Type": "text/plain"})
        response = connection.getresponse()
        body = response.read(100_000).decode(errors="replace")
    finally:
        connection.close()
    if response.status == 200:
        return body
    size = body.strip()
    raise Refused(response.status, int(size) if response.status == 409 and size.isdigit() else None)
