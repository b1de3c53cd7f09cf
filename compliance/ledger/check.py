"""Derive everything about the record again from its headers, and name what differs.

Kinds of damage, each with its first bad index:

    numbering    a number is missing            missing      a numbered event is gone
    leaf         a header is not what was numbered            header   it cannot be read
    column       what is searched by differs from the header  mention  likewise
    twice        an event has two numbers       unnumbered   an event waits for no number
    pending      what waits is no event, or is numbered       time     time went backwards
    tile, root   the stored tree is not the tree of the leaves
    checkpoint, signature, cosignature          a signed head is not what it says
    rewritten    who signed, or keeps a head, had another tree
    truncated    who signed, or keeps a head, has seen more events than there are
    content      a ciphertext is not what its event committed to, or is gone
    chain        an event is missing, altered or slipped in among what its writer wrote
    unguarded    a table has lost a trigger or its row security
"""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from compliance import ciphertexts
from compliance.ledger import check_events, check_heads, keys, tree
from compliance.ledger.alarms import Kind
from compliance.ledger.chains import Round
from compliance.ledger.check_events import Events
from compliance.ledger.check_heads import Newest
from compliance.ledger.check_tree import Tree
from compliance.ledger.database import Database, snapshot
from compliance.ledger.errors import CannotRun, Damaged
from compliance.ledger.memory import Memory, Written
from compliance.ledger.place import Place, replace
from compliance.ledger.signing import pending_in_chains
from compliance.ledger.watch import unguarded
from compliance.tiles import Edge
from compliance.verify import Report, read_vkey

_COUNTS = """
SELECT (SELECT count(*) FROM compliance_event), (SELECT count(*) FROM compliance_leaf),
       (SELECT count(*) FROM compliance_pending), (SELECT count(*) FROM compliance_mention)
"""
_ORPHANS = """
SELECT p.event_id, e.event_id IS NULL, l.idx, e.leaf IS DISTINCT FROM p.leaf
  FROM compliance_pending p LEFT JOIN compliance_event e ON e.event_id = p.event_id
  LEFT JOIN compliance_leaf l ON l.event_id = p.event_id
 WHERE e.event_id IS NULL OR l.idx IS NOT NULL OR e.leaf IS DISTINCT FROM p.leaf LIMIT 1
"""
_UNNUMBERED = """
SELECT e.event_id FROM compliance_event e
 WHERE NOT EXISTS (SELECT FROM compliance_leaf l WHERE l.event_id = e.event_id)
   AND NOT EXISTS (SELECT FROM compliance_pending p WHERE p.event_id = e.event_id)
 ORDER BY e.recorded_at LIMIT 1
"""
_TWICE = """
SELECT min(idx) FROM (SELECT max(idx) AS idx FROM compliance_leaf GROUP BY event_id
                      HAVING count(*) > 1) twice
"""
_PENDING_HEADERS = """
SELECT e.header FROM compliance_pending p JOIN compliance_event e ON e.event_id = p.event_id
"""
_STRANGE_MENTION = """
SELECT l.idx FROM compliance_mention m
  JOIN compliance_leaf l ON l.event_id = m.event_id
  JOIN compliance_event e ON e.event_id = m.event_id
 WHERE position(convert_to(m.object::text, 'UTF8') IN e.header) = 0 ORDER BY l.idx LIMIT 1
"""
_NUMBERED = "SELECT event_id FROM compliance_leaf WHERE idx = %s"
_INDEX = "SELECT idx FROM compliance_leaf WHERE event_id = %s"
_STRADDLED_MS = 3_600_000
"""An id begins with its time in milliseconds, and numbers are given in another order than ids."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What was checked, and what was found."""

    report: Report = field(default_factory=Report)
    start: int = 0
    size: int = 0
    root: bytes = b""
    newest: Newest = field(default_factory=Newest)
    macs_checked: bool = False
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.report.damage


def check(database: Database, place: Place, *, everything: bool = False) -> Result:
    """Check the record in one snapshot. Raises CannotRun without the log's public key.

    Begins where the last check that found nothing has ended, unless `everything` is asked for.
    """
    public = keys.read_public(place)
    if public is None:
        raise CannotRun(
            f"{place.public}/public.json is not there: no signer was set up. Run "
            "`manage.py signer --make-keys` and start the signer."
        )
    begun = time.monotonic()
    result = Result()
    log = {key.name: key for key in map(read_vkey, (public.vkey, *public.earlier))}
    # Before the snapshot, which then holds at least what these heads are about.
    kept = list(check_heads.kept(place, log, result.report))
    with snapshot(database):
        grown = Tree(report=result.report, edge=_beginning(database, place, result, everything))
        result.start = grown.edge.size
        result.newest = check_heads.check(
            database,
            grown,
            result.report,
            log=log,
            place=place,
        )
        for who, checkpoint in kept:
            if checkpoint.size >= result.start:
                grown.claim(checkpoint.size, who, checkpoint.root)
        _check_all(database, place, grown, result)
    result.size, result.root = grown.edge.size, grown.edge.root
    result.seconds = time.monotonic() - begun
    if not result.newest.size and not result.start:
        result.report.notes.append("no head is signed yet: nothing binds what was checked")
    if result.is_good:
        _remember(place, result)
    return result


def _beginning(database: Database, place: Place, result: Result, everything: bool) -> Edge:
    """The tree's edge where the last good check ended; an empty one to check everything."""
    if everything:
        return Edge()
    try:
        said = json.loads(place.verified.read_bytes())
        size, root = int(said["size"]), bytes.fromhex(said["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return Edge()
    try:
        edge = tree.edge(database, size)
        if edge.root == root:
            return edge
        says = f"the first {size} events are not those that were verified"
    except Damaged as damage:
        says = f"the first {size} events, verified before, cannot be followed: {damage}"
    result.report.add("rewritten", says, index=size, where="verified")
    return Edge()


def _check_all(database: Database, place: Place, grown: Tree, result: Result) -> None:
    report, start = result.report, result.start
    size = max(tree.size(database), _leaves(database))
    known = _signer_keys(place)
    result.macs_checked = known is not None
    events = Events(report=report)
    with Memory(None) as memory:
        chains = Round(memory=memory, keys=known, whole=start == 0)
        grown.begin(database)
        expected = start
        for rows in check_events.read(database, start, size):
            for row in rows:
                if row.idx != expected:
                    report.add("numbering", f"number {expected} is missing", index=expected)
                expected = row.idx + 1
            events.check(database, rows)
            chains.see(
                Written(number=row.idx, recorded_at=row.recorded_at, header=row.header, mac=row.mac)
                for row in rows
                if row.header is not None and row.recorded_at is not None
            )
            grown.grow(database, [row.leaf for row in rows])
        grown.finish(database)
        for finding in chains.judge(pending_in_chains(database)):
            kind = "time" if finding.kind == Kind.CLOCK else "chain"
            report.add(kind, _words(finding.about), index=finding.number, where=finding.about)
    _check_sets(database, report, events, whole=start == 0)
    _check_content(database, report, start)
    for name in unguarded(database):
        report.add("unguarded", f"{name} has lost a trigger or its row security", where=name)


def _check_content(database: Database, report: Report, start: int) -> None:
    """The ciphertexts of the events from `start` on; those of events just before it as well."""
    row = database.execute(_NUMBERED, [start - 1]).fetchone() if start else None
    after = UUID(int=max(0, row[0].int - (_STRADDLED_MS << 80))) if row else ciphertexts.FIRST
    for one in ciphertexts.damage(database, after=after):
        found = database.execute(_INDEX, [one.event_id]).fetchone()
        report.add("content", one.says, index=found[0] if found else None, where=str(one.event_id))


def _check_sets(database: Database, report: Report, events: Events, *, whole: bool) -> None:
    """What is there must be numbered or waiting, once; nothing may be mentioned by nobody."""
    row = database.execute(_COUNTS).fetchone()
    assert row is not None
    there, numbered, waiting, mentions = row
    orphan = database.execute(_ORPHANS).fetchone()
    if orphan:
        event_id, is_gone, idx, _ = orphan
        says = "is gone" if is_gone else "is numbered" if idx is not None else "has another leaf"
        report.add("pending", f"event {event_id} waits for a number and {says}", index=idx)
    if there != numbered + waiting:
        lost = database.execute(_UNNUMBERED).fetchone()
        if lost:
            report.add("unnumbered", f"event {lost[0]} has no number and waits for none")
    twice = database.execute(_TWICE).fetchone()
    if twice and twice[0] is not None:
        report.add("twice", "an event has two numbers", index=twice[0])
    if whole:
        expected = events.mentions + _waiting_mentions(database)
        if mentions > expected:
            strange = database.execute(_STRANGE_MENTION).fetchone()
            says = f"{mentions - expected} mentions are of no event that names it"
            report.add("mention", says, index=strange[0] if strange else None)


def _waiting_mentions(database: Database) -> int:
    count = 0
    for (header,) in database.execute(_PENDING_HEADERS):
        try:
            count += len(check_events.mentioned(json.loads(bytes(header))))
        except ValueError:
            continue
    return count


def _leaves(database: Database) -> int:
    row = database.execute("SELECT coalesce(max(idx) + 1, 0) FROM compliance_leaf").fetchone()
    return int(row[0]) if row else 0


def _signer_keys(place: Place) -> keys.SignerKeys | None:
    """The signer's keys, where this account may read them: then MACs are checked too."""
    try:
        return keys.read(place)
    except CannotRun:
        return None


def _words(about: str) -> str:
    writer, _, rest = about.partition("/")
    seq, _, what = rest.partition("/")
    if not rest:
        return "an event belongs to no writer's chain"
    return f"event {seq} of writer {writer} {'is ' if what else ''}{what.replace('_', ' ')}".strip()


def _remember(place: Place, result: Result) -> None:
    said: dict[str, Any] = {
        "size": result.size,
        "root": result.root.hex(),
        "at": datetime.now(UTC).isoformat(),
    }
    try:
        replace(place.verified, json.dumps(said).encode() + b"\n")
    except OSError as error:
        result.report.notes.append(f"the next check begins anew: {error}")
