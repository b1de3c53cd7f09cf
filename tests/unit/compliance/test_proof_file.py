"""One event's proof is one file, which the verifier checks with nothing else."""

import base64
import json
from pathlib import Path

import pytest

from compliance import bundle, canonical, note, proof, verify
from compliance.note import SigningKey
from tests.exported import KEY, ORIGIN, Log, header, keys

LOG = Log.made(300)
POLICY = bundle.policy_of(LOG.export(300))
CHECKPOINT = note.with_lines(LOG.checkpoint(300), [line for _, line in LOG.cosigned(300)])


def made(index: int = 123, checkpoint: str = CHECKPOINT, **changes: object) -> str:
    return proof.write(
        header=LOG.headers[index],
        index=index,
        checkpoint=checkpoint,
        hash_at=LOG.hash_at,
        policy=POLICY | changes,  # type: ignore[arg-type]
    )


def found(text: str, **options: object) -> dict[str, int | None]:
    report = verify.check_proof(text, **options)  # type: ignore[arg-type]
    return {one.kind: one.index for one in report.damage.values()}


@pytest.mark.parametrize("index", [0, 1, 127, 255, 256, 298, 299])
def test_every_event_can_be_proved(index: int) -> None:
    report = verify.check_proof(made(index), keys())
    assert report.damage == {}
    assert report.facts["index"] == index
    assert report.facts["event"] == json.loads(LOG.headers[index])
    assert len(report.facts["witnesses"]) == 2


def test_the_command_checks_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"event{proof.SUFFIX}"
    path.write_text(made())
    assert verify.main(["proof", str(path)]) == 0
    assert "Everything holds." in capsys.readouterr().out
    path.write_text(made().replace("index 123", "index 122"))
    assert verify.main(["proof", str(path), "--json"]) == 1
    [damage] = json.loads(capsys.readouterr().out)["damage"]
    assert (damage["kind"], damage["index"]) == ("leaf", 122)


def test_an_event_that_was_altered_is_not_the_one_that_stands_there() -> None:
    other = canonical.encode({"header": header(123).decode(), "policy": POLICY})
    lines = made().split("\n")
    lines[1] = f"extra {base64.b64encode(other).decode()}"
    assert found("\n".join(lines)) == {}
    other = canonical.encode({"header": header(123, outcome="failed").decode(), "policy": POLICY})
    lines[1] = f"extra {base64.b64encode(other).decode()}"
    assert found("\n".join(lines)) == {"leaf": 123}


def test_the_log_and_enough_witnesses_have_signed() -> None:
    assert found(made(checkpoint=LOG.checkpoint(300))) == {"quorum": None}
    forger = SigningKey.new(ORIGIN)
    forged = made(checkpoint=LOG.checkpoint(300, key=forger), log=[forger.vkey], quorum=0)
    assert found(forged) == {}
    assert found(forged, keys=keys()) == {"signature": 123}
    body, _ = verify.split_note(CHECKPOINT)
    other = note.sign(body.replace(ORIGIN, "other.example"), KEY)
    assert found(made(checkpoint=other, quorum=0)) == {"checkpoint": None}


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        made().replace("@v1", "@v2"),
        made().replace("extra ", "extra  "),
        made().replace("index 123", "index 0123"),
        made().replace("index 123", "index " + "9" * 5_000),
        made().replace("index 123\n", "index 123\nAAAA\n"),
        made().replace("\n\n", "\n"),
        made()[:-1],
        made().replace("extra ", "extra " + "A" * 4),
        "\n".join(line for line in made().split("\n") if not line.startswith("extra")),
    ],
)
def test_a_spoiled_proof_is_refused(spoiled: str) -> None:
    assert found(spoiled)


def test_any_other_character_spoils_it_or_says_nothing_else() -> None:
    text, event = made(), json.loads(LOG.headers[123])
    for at in range(0, len(text), 7):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        report = verify.check_proof(changed, keys())
        # The keys that came with the proof are not looked at, so they may be anything.
        assert report.damage or (report.facts["index"], report.facts["event"]) == (123, event), at


def test_what_the_checkpoint_does_not_cover_cannot_be_proved() -> None:
    with pytest.raises(ValueError, match="no leaf 299"):
        made(299, checkpoint=LOG.checkpoint(256))
