"""The ledger's rules that need no database: order, chains, heads in one line."""

import copy
import dataclasses
import json
import random
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compliance import note
from compliance.ledger import anchors, chain, paper
from compliance.ledger.chain import Escrow
from compliance.ledger.numbering import Taken, in_order
from compliance.note import SigningKey

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def taken(seconds: float, writer: UUID | None = None, seq: int | None = None) -> Taken:
    at = NOON + timedelta(seconds=seconds)
    return Taken(recorded_at=at, event_id=uuid4(), leaf=b"", writer=writer, seq=seq)


def test_events_are_numbered_by_time() -> None:
    events = [taken(seconds) for seconds in (1, 2, 3, 4)]
    shuffled = copy.copy(events)
    random.Random(1).shuffle(shuffled)
    assert in_order(shuffled) == events


def test_what_one_writer_wrote_stays_in_its_order_when_the_clock_steps_back() -> None:
    one, other = uuid4(), uuid4()
    events = [taken(1, one, 1), taken(5, one, 2), taken(2, one, 3), taken(6, one, 4)]
    between = taken(3, other, 1)
    placed = in_order([*reversed(events), between])
    assert [event for event in placed if event.writer == one] == events
    assert placed.index(between) == 1


@pytest.fixture
def signer() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def test_only_the_signer_opens_what_a_writer_has_sealed(signer: X25519PrivateKey) -> None:
    escrow = Escrow(signer=signer.public_key().public_bytes_raw(), secret=b"shared")
    begun = chain.begin()
    sealed = str(chain.members(begun, escrow)["escrow"])
    assert chain.unseal(begun.writer, sealed, signer=signer, secret=b"shared") == begun
    for wrong in (
        {"signer": X25519PrivateKey.generate(), "secret": b"shared"},
        {"signer": signer, "secret": b"guessed"},
    ):
        with pytest.raises(ValueError, match="not sealed by the application"):
            chain.unseal(begun.writer, sealed, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not sealed"):
        chain.unseal(uuid4(), sealed, signer=signer, secret=b"shared")


def test_a_key_is_forgotten_with_every_event(signer: X25519PrivateKey) -> None:
    tip = chain.begin()
    seen = {tip.key}
    for number in range(1, 10):
        mac = tip.mac_of(b"header")
        after = tip.after(mac)
        assert (after.seq, after.mac) == (number, mac)
        assert after.key not in seen
        assert after.mac_of(b"header") != mac
        seen.add(after.key)
        tip = after
    assert "escrow" not in chain.members(tip, None)
    assert dataclasses.asdict(tip)["writer"] == tip.writer


def checkpoint(size: int = 7) -> str:
    key = SigningKey.new("cloister/test")
    text = note.checkpoint_text(origin="cloister/test", size=size, root=bytes(32))
    return note.sign(text, key)


def test_a_head_fits_in_one_line_and_comes_back_whole() -> None:
    signed = checkpoint()
    line = anchors.one_line(signed)
    assert "\n" not in line
    assert anchors.from_one_line(line) == signed


def test_a_head_is_drawn_as_a_code_of_vectors() -> None:
    drawn = ElementTree.fromstring(paper.qr_svg(checkpoint()))
    assert drawn.tag.endswith("svg")
    assert "style" not in json.dumps(drawn.attrib)


def test_a_head_is_printed_on_a_sheet_that_needs_nothing_else() -> None:
    signed = checkpoint()
    printed = paper.page(signed, size=7, signed_at=NOON)
    assert "24 November 2026, 12:00:00 UTC" in printed
    assert signed.split("\n")[0] in printed
    assert "<svg" in printed
    assert not re.search(r"(src|href)=|url\(|<script", printed)
