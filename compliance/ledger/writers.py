"""The chains of this process: one for each connection, moving with its transactions.

A chain moves when its transaction commits and stays where it was when that is rolled back, to a
savepoint or as a whole. Django already keeps such a list, of what to do on commit, and shortens it
with every savepoint that is rolled back; a chain's newest place is the first entry of that list.
"""

import os
import threading
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from compliance.ledger import chain, keys
from compliance.ledger.chain import Escrow, Tip
from compliance.ledger.place import Place

_ATTRIBUTE = "_cloister_writer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a writer of this process has come, and whether it may go on."""

    writer: UUID
    seq: int
    is_open: bool


class _Writer:
    """The chain of one connection: where it stands after the last commit."""

    __slots__ = ("__weakref__", "stated", "tip")

    def __init__(self) -> None:
        self.tip = chain.begin()
        self.stated = 0


class _Moved:
    """On commit: the chain stands where this event has brought it."""

    __slots__ = ("_writer", "tip")

    def __init__(self, writer: _Writer, tip: Tip) -> None:
        self._writer = writer
        self.tip = tip

    def __call__(self) -> None:
        # The newest entry runs first; the others of the same transaction are behind it.
        if self.tip.seq > self._writer.tip.seq:
            self._writer.tip = self.tip


_open: dict[UUID, tuple[_Writer, "weakref.ref[Any]"]] = {}
_lock = threading.Lock()
os.register_at_fork(after_in_child=_open.clear)


def tip(connection: BaseDatabaseWrapper) -> Tip:
    """Where the connection's chain stands in the open transaction."""
    waiting = connection.run_on_commit
    if waiting and isinstance(waiting[0][1], _Moved):
        return waiting[0][1].tip
    return _writer(connection).tip


def move(connection: BaseDatabaseWrapper, reached: Tip) -> None:
    """Put the chain there once the transaction commits."""
    # First, so that no other entry's failure keeps the chain from moving with its transaction.
    hooks: list[Any] = connection.run_on_commit
    moved = _Moved(_writer(connection), reached)
    hooks.insert(0, (set(connection.savepoint_ids), moved, False))


def escrow() -> Escrow | None:
    """To whom this installation's writers seal their first keys."""
    return _escrow(settings.HOME)


def reached() -> list[Reached]:
    """The writers that have written since this was asked last, and those that have ended."""
    told: list[Reached] = []
    with _lock:
        known = list(_open.items())
    for identifier, (writer, connection) in known:
        raw = connection()
        is_open = raw is not None and not raw.closed
        seq = writer.tip.seq
        if seq and (seq != writer.stated or not is_open):
            writer.stated = seq
            told.append(Reached(writer=identifier, seq=seq, is_open=is_open))
        if not is_open:
            with _lock:
                _open.pop(identifier, None)
    return told


@cache
def _escrow_once(home: Path) -> Escrow | None:
    return keys.escrow(Place(home=home))


def _escrow(home: Path) -> Escrow | None:
    found = _escrow_once(home)
    if found is None:
        # A signer that is set up later is found by the next connection.
        _escrow_once.cache_clear()
    return found


def _writer(connection: BaseDatabaseWrapper) -> _Writer:
    raw = connection.connection
    writer: _Writer | None = getattr(raw, _ATTRIBUTE, None)
    if writer is None:
        writer = _Writer()
        setattr(raw, _ATTRIBUTE, writer)
        with _lock:
            _open[writer.tip.writer] = (writer, weakref.ref(raw))
    return writer
