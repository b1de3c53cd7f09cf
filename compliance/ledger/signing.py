"""Sign a head of the tree, once it was found to extend the one that was signed before.

The order of durable steps, and what a crash between them leaves:

1. Everything new is read in one snapshot and checked against the signer's own memory.
2. The new head and all findings are remembered. From here on no other tree is signed.
3. The checkpoint goes into the database. If it did not, the next round puts it there.
4. It goes to the anchors, then the findings become alarms; both are repeated after a crash.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from compliance import note
from compliance.ledger import tree
from compliance.ledger.alarms import Kind
from compliance.ledger.chains import Round, place_in_chain
from compliance.ledger.database import Database, snapshot
from compliance.ledger.errors import Damaged
from compliance.ledger.keys import SignerKeys
from compliance.ledger.memory import Finding, Head, Memory, Written
from compliance.tiles import Edge
from compliance.verify import leaf_hash

_CHUNK = 2_000
_NEW = """
SELECT l.idx, l.leaf, e.recorded_at, e.header, e.mac
  FROM compliance_leaf l LEFT JOIN compliance_event e ON e.event_id = l.event_id
 WHERE l.idx >= %s AND l.idx < %s ORDER BY l.idx
"""
_PENDING = """
SELECT e.header FROM compliance_pending p JOIN compliance_event e ON e.event_id = p.event_id
"""
_KEEP = """
INSERT INTO compliance_checkpoint (size, root, note, signed_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (size) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a round came to: the newest head, and whether it is new."""

    head: Head
    is_new: bool


class Signer:
    """Reads the tree as the database shows it, and signs what extends its own memory."""

    def __init__(self, keys: SignerKeys, memory: Memory) -> None:
        self._keys = keys
        self._memory = memory

    def sign(self, database: Database) -> Signed:
        """Check what is new and sign it. Raises Damaged when the tree is not the one signed.

        What was found that does not keep from signing is in the memory (`untold`).
        """
        head = self._memory.head()
        try:
            with self._memory.transaction():
                is_new = self._check_and_remember(database, head)
        except Damaged as damage:
            about = Finding(kind=damage.kind, about="tree", number=damage.index)
            with self._memory.transaction():
                self._memory.keep_untold([about])
            raise
        head = self._memory.head()
        if head.note:
            database.execute(_KEEP, [head.size, head.root, head.note, head.signed_at])
        return Signed(head=head, is_new=is_new)

    def _check_and_remember(self, database: Database, head: Head) -> bool:
        with snapshot(database):
            edge, said = self._extends(database, head)
            if said.size == head.size:
                return False
            round_ = Round(memory=self._memory, keys=self._keys)
            round_.begin()
            damaged = self._grow(database, edge, said, round_)
            if edge.root != said.root:
                raise Damaged(
                    Kind.REWRITTEN,
                    f"the leaves up to {said.size} do not give the sequencer's root",
                    index=head.size,
                )
            findings = [*damaged, *round_.judge(pending_in_chains(database))]
        text = note.checkpoint_text(origin=self._keys.log.name, size=said.size, root=said.root)
        self._memory.keep_untold(findings)
        self._memory.remember_head(
            size=said.size,
            root=said.root,
            note=note.sign(text, self._keys.log),
            signed_at=datetime.now(UTC),
        )
        return True

    def _extends(self, database: Database, head: Head) -> "tuple[Edge, _Said]":
        """The tree's edge at the last signed head, which it must give, and what is claimed now."""
        said = _said(database)
        if said.size < head.size:
            raise Damaged(
                Kind.RESTORED,
                f"the database holds {said.size} events, and {head.size} were signed",
                index=said.size,
            )
        try:
            edge = tree.edge(database, head.size)
        except Damaged as damage:
            raise Damaged(Kind.REWRITTEN, str(damage), index=damage.index) from damage
        if edge.root != head.root or (said.size == head.size and said.root != head.root):
            raise Damaged(
                Kind.REWRITTEN,
                f"the first {head.size} events are not those that were signed",
                index=head.size,
            )
        return edge, said

    def _grow(self, database: Database, edge: Edge, said: "_Said", round_: Round) -> list[Finding]:
        """Add the new leaves to the edge and show their events to the chains."""
        damaged: list[Finding] = []
        for rows in _new(database, edge.size, said.size):
            leaves = []
            for place, (idx, leaf, *_rest) in enumerate(rows):
                if idx != edge.size + place:
                    raise Damaged(Kind.REWRITTEN, "a leaf is missing", index=edge.size + place)
                leaves.append(bytes(leaf))
            edge.extend(leaves)
            whole = [row for row in rows if row[3] is not None]
            damaged += [
                Finding(kind=Kind.DAMAGED, about=f"event/{idx}", number=idx)
                for idx, leaf, _at, header, _mac in rows
                if header is None or leaf_hash(bytes(header)) != bytes(leaf)
            ]
            round_.see(
                Written(
                    number=idx,
                    recorded_at=at,
                    header=bytes(header),
                    mac=None if mac is None else bytes(mac),
                )
                for idx, _leaf, at, header, mac in whole
            )
        if edge.size != said.size:
            raise Damaged(Kind.REWRITTEN, "leaves are missing at the end", index=edge.size)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    size: int
    root: bytes


def _said(database: Database) -> _Said:
    """The newest size and root that the sequencer claims."""
    size = tree.size(database)
    root = tree.root_said(database, size)
    return _Said(size=size, root=root if root is not None else Edge().root)


def _new(database: Database, start: int, end: int) -> Iterator[list[tuple[Any, ...]]]:
    while start < end:
        rows = database.execute(_NEW, [start, min(start + _CHUNK, end)]).fetchall()
        if not rows:
            return
        yield rows
        start += len(rows)


def pending_in_chains(database: Database) -> dict[UUID, set[int]]:
    """Which events of which writers wait for their numbers."""
    waiting: dict[UUID, set[int]] = {}
    for (header,) in database.execute(_PENDING):
        if place := place_in_chain(bytes(header)):
            writer, seq = place
            waiting.setdefault(writer, set()).add(seq)
    return waiting
