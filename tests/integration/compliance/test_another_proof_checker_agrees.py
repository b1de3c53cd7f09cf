"""A library that checks the proofs of public logs, in another language, checks ours."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from compliance import bundle, proof, verify
from compliance.note import SigningKey
from tests.exported import KEY, ORIGIN, Log
from tests.sign_on.servers import found

SCRIPT = Path(__file__).with_name("another_proof_checker.mjs")
LOG = Log.made(700)
SIZES = (1, 2, 3, 255, 256, 257, 700)
POLICY = bundle.policy_of(LOG.export(700, witnesses=(), quorum=0))


def theirs(cases: list[dict[str, str]]) -> list[bool]:
    """What the other library says of each proof."""
    modules = found("node", "node_modules", "@sigstore", "verify", "package.json").parents[2]
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; run `make test`")
    done = subprocess.run(
        [node, str(SCRIPT), str(modules)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [answer is True for answer in json.loads(done.stdout)]


def ours(cases: list[dict[str, str]]) -> list[bool]:
    return [not verify.check_proof(case["proof"]).damage for case in cases]


def case(index: int, size: int, *, key: SigningKey = KEY) -> dict[str, str]:
    text = proof.write(
        header=LOG.headers[index],
        index=index,
        checkpoint=LOG.checkpoint(size, key=key),
        hash_at=LOG.hash_at,
        policy=POLICY,
    )
    return {"proof": text, "header": LOG.headers[index].decode(), "key": KEY.vkey}


def test_both_accept_every_proof() -> None:
    cases = [
        case(index, size)
        for size in SIZES
        for index in sorted({0, size // 2, max(0, size - 2), size - 1})
    ]
    assert theirs(cases) == ours(cases) == [True] * len(cases)


def test_both_refuse_what_was_changed() -> None:
    good = case(300, 700)
    lines = good["proof"].split("\n")
    swapped = [*lines[:3], lines[4], lines[3], *lines[5:]]
    changed = [
        good["proof"].replace("index 300", "index 301"),
        good["proof"].replace("index 300", "index 700"),
        "\n".join(swapped),
        "\n".join([*lines[:3], *lines[4:]]),
        good["proof"].replace("\n700\n", "\n699\n"),
        case(300, 700, key=SigningKey.new(ORIGIN))["proof"],
    ]
    cases = [good | {"proof": text} for text in changed]
    assert theirs(cases) == ours(cases) == [False] * len(cases)
