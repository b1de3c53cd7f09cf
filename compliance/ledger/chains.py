"""Follow every writer's chain through what was numbered, and say where one is broken.

An event may be numbered before an earlier one of its writer (a clock that steps, a batch that was
full), so a gap is one only when the missing event is neither numbered nor pending.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from compliance.ledger import chain
from compliance.ledger.alarms import Kind
from compliance.ledger.keys import SignerKeys
from compliance.ledger.memory import Finding, Memory, Stand, Written

CLOCK_TOLERANCE = timedelta(seconds=1)
_HEARTBEAT = b'"type":"system.heartbeat"'


def place_in_chain(header: bytes) -> tuple[UUID, int] | None:
    """Which writer says to have written this, as its how manieth event; None when none does."""
    try:
        said = json.loads(header)
        return UUID(said["writer"]), int(said["seq"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


@dataclass(slots=True, kw_only=True)
class _Stated:
    """What a process has said of one of its writers."""

    seq: int = 0
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class Round:
    """One look at what is new: `see` all of it in its order, then `judge`.

    Without the signer's keys, counts are checked and MACs are not. Where the look begins in the
    middle, a writer that is not known may begin with any count (`whole` is false).
    """

    memory: Memory
    keys: SignerKeys | None
    whole: bool = True
    _came: dict[UUID, dict[int, Written]] = field(default_factory=dict)
    _stated: dict[UUID, _Stated] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def begin(self) -> None:
        """Take up what an earlier round has left waiting."""
        self._came = self.memory.take_waiting()

    def see(self, events: Iterable[Written]) -> None:
        """Note events that were numbered, and move their writers on."""
        touched: set[UUID] = set()
        for event in events:
            if (writer := self._note(event)) is not None:
                touched.add(writer)
        for writer in touched:
            self._move(writer)

    def judge(self, pending: Mapping[UUID, set[int]]) -> list[Finding]:
        """Say what is missing, given the counts of each writer that still wait for numbers."""
        for writer in list(self._came):
            self._judge_gaps(writer, pending.get(writer, set()))
        for writer, stated in self._stated.items():
            self._judge_end(writer, stated, pending.get(writer, set()))
        self.memory.keep_waiting(self._came)
        return self._findings

    def _note(self, event: Written) -> UUID | None:
        """File an event under its writer; None when it names none."""
        place = place_in_chain(event.header)
        if place is None:
            if self.keys is not None and event.recorded_at >= self.keys.made_at:
                self._find("unchained", event.number)
            return None
        writer, seq = place
        if _HEARTBEAT in event.header:
            self._hear(json.loads(event.header))
        events = self._came.setdefault(writer, {})
        if seq in events:
            self._find(f"{writer.hex}/{seq}/repeated", event.number)
        events[seq] = event
        return writer

    def _hear(self, said: dict[str, Any]) -> None:
        if said.get("type") != "system.heartbeat":
            return
        for one in said["fields"].get("chains", ()):
            stated = self._stated.setdefault(UUID(one["writer"]), _Stated())
            stated.seq = max(stated.seq, one["seq"])
            stated.ended = stated.ended or not one["open"]

    def _move(self, writer: UUID) -> None:
        """Move a writer over all of its events that follow each other."""
        events = self._came[writer]
        stand = self.memory.stand(writer)
        if stand is None and not self.whole:
            first = min(events)
            at = events[first].recorded_at
            stand = Stand(seq=first - 1, key=None, mac=None, at=at)
        before = stand
        while event := events.pop((stand.seq if stand else 0) + 1, None):
            stand = self._step(writer, stand, event)
        if stand is not None and stand is not before:
            self.memory.remember_stand(writer, stand)
        for seq in [seq for seq in events if stand is not None and seq <= stand.seq]:
            self._find(f"{writer.hex}/{seq}/repeated", events.pop(seq).number)
        if not events:
            del self._came[writer]

    def _step(self, writer: UUID, stand: Stand | None, event: Written) -> Stand:
        """Where the writer stands after its next event, which is checked against the chain."""
        if stand is None:
            stand = self._open(writer, event, self.keys)
        elif event.recorded_at < stand.at - CLOCK_TOLERANCE:
            self._findings.append(
                Finding(kind=Kind.CLOCK, about=f"{writer.hex}/{stand.seq}", number=event.number)
            )
        seq = stand.seq + 1
        key = None
        if stand.key is not None:
            tip = chain.Tip(writer=writer, seq=stand.seq, key=stand.key, mac=stand.mac or b"")
            if stand.mac is not None and not hmac.compare_digest(
                tip.mac_of(event.header), event.mac or b""
            ):
                self._find(f"{writer.hex}/{seq}/altered", event.number)
            key = tip.after(event.mac or b"").key
        return Stand(seq=seq, key=key, mac=event.mac, at=event.recorded_at)

    def _open(self, writer: UUID, event: Written, keys: SignerKeys | None) -> Stand:
        """A writer's beginning: with the key it has sealed for the signer, or with none."""
        if keys is None:
            return Stand(seq=0, key=None, mac=None, at=event.recorded_at)
        try:
            sealed = json.loads(event.header)["escrow"]
            tip = chain.unseal(writer, sealed, signer=keys.writers, secret=keys.secret)
        except (KeyError, ValueError):
            self._find(f"{writer.hex}/1/unknown_writer", event.number)
            return Stand(seq=0, key=None, mac=None, at=event.recorded_at)
        return Stand(seq=0, key=tip.key, mac=tip.mac, at=event.recorded_at)

    def _judge_gaps(self, writer: UUID, pending: set[int]) -> None:
        while events := self._came.get(writer):
            stand = self.memory.stand(writer)
            missing = (stand.seq if stand else 0) + 1
            first = min(events)
            if all(seq in pending for seq in range(missing, first)):
                return
            self._find(f"{writer.hex}/{missing}/missing", events[first].number)
            self._skip(writer, stand, first - 1, events[first].recorded_at)
            self._move(writer)

    def _judge_end(self, writer: UUID, stated: _Stated, pending: set[int]) -> None:
        stand = self.memory.stand(writer)
        reached = stand.seq if stand else 0
        there = pending | set(self._came.get(writer, ()))
        if stand is None and not self.whole:
            return
        lacking = [seq for seq in range(reached + 1, stated.seq + 1) if seq not in there]
        if lacking:
            self._find(f"{writer.hex}/{lacking[0]}/missing", None)
            moment = stand.at if stand else datetime.now(UTC)
            self._skip(writer, stand, stated.seq, moment)
        if stated.ended and writer not in self._came and not pending:
            self.memory.forget_writer(writer)

    def _skip(self, writer: UUID, stand: Stand | None, seq: int, at: datetime) -> None:
        """Go on behind what is missing: keys follow by counting, but the next MAC is not known."""
        if stand is None:
            self.memory.remember_stand(writer, Stand(seq=seq, key=None, mac=None, at=at))
            return
        key = stand.key
        for _ in range(seq - stand.seq):
            key = key and chain.Tip(writer=writer, seq=0, key=key).after(b"").key
        self.memory.remember_stand(writer, replace(stand, seq=seq, key=key, mac=None))

    def _find(self, about: str, number: int | None) -> None:
        self._findings.append(Finding(kind=Kind.CHAIN, about=about, number=number))
