"""An export made to harm whoever checks it gets a clear answer: exit code 1 or 2, no traceback."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compliance import canonical, verify
from tests.exported import KEY, WITNESSES, Log, header, list_again

LOG = Log.made(300)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return LOG.write(tmp_path / "export", 256, 300)


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return change


def policy(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        said = json.loads((folder / "policy.json").read_bytes()) | changes
        (folder / "policy.json").write_bytes(canonical.encode(said))

    return change


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def pipe(folder: Path) -> None:
    (folder / "tile/0/000").unlink()
    os.mkfifo(folder / "tile/0/000")


def linked_folder(folder: Path) -> None:
    (folder / "tile").rename(folder.parent / "elsewhere")
    (folder / "tile").symlink_to(folder.parent / "elsewhere")


def deep(folder: Path) -> None:
    inner = folder
    for _ in range(60):
        inner = inner / "a"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"")


def huge(folder: Path) -> None:
    with (folder / "checkpoint").open("r+b") as file:
        file.truncate(2**33)


def note_of(size: str, origin: str = "record.example/one") -> bytes:
    text = f"{origin}\n{size}\n{'A' * 43}=\n"
    return f"{text}\n— {origin} {'A' * 92}\n".encode()


def timeless() -> bytes:
    line = base64.b64encode(WITNESSES[0].key_id + b"12345").decode()
    return f"300 — {WITNESSES[0].name} {line}\n".encode()


HOSTILE = {
    "a link out": link("README.txt", "/etc/passwd"),
    "a link for a tile": link("tile/0/000", "/dev/zero"),
    "a pipe": pipe,
    "a linked folder": linked_folder,
    "a deep folder": deep,
    "a sparse file of 8 GiB": huge,
    "a size beyond all files": put("checkpoint", note_of(str(2**63 - 1))),
    "a size beyond all numbers": put("checkpoint", note_of("9" * 5_000)),
    "a note without end": put("checkpoint", b"\n" * 900_000),
    "a note of dashes": put("checkpoint", "— — \n".encode() * 90_000),
    "a note that is not UTF-8": put("checkpoint", b"\xff\xfe" * 100),
    "an empty note": put("checkpoint", b""),
    "an older checkpoint of 2^63": put("checkpoints/9223372036854775807", note_of(str(2**63 - 1))),
    "an escape sequence": put("checkpoint", note_of("5", origin="\x1b]0;title\x07")),
    "a tile with a great number": put("tile/0/x999/x999/x999/x999/x999/x999/999", bytes(8192)),
    "a tile on a high level": put("tile/63/000.p/1", bytes(32)),
    "a tile of no width": put("tile/0/002.p/0", b""),
    "a short tile": put("tile/0/000", bytes(31)),
    "a long tile": put("tile/0/000", bytes(100_000)),
    "a bundle that ends early": put("tile/entries/000", b"\xff\xff{}"),
    "a bundle of nothing": put("tile/entries/000", bytes(512)),
    "a bundle of one byte": put("tile/entries/000", b"\x00"),
    "a deep header": put("tile/entries/000", b"\xea\x60" + b"[" * 60_000),
    "a deep policy": put("policy.json", b"[" * 1_000_000),
    "a policy of digits": put("policy.json", b'{"v":' + b"1" * 100_000 + b"}"),
    "an empty policy": put("policy.json", b"{}"),
    "a policy that is a list": put("policy.json", b"[]"),
    "a policy with a range without end": policy(entries=[[0, 2**53 - 1]]),
    "a policy with ranges that overlap": policy(entries=[[0, 5], [4, 6]]),
    "a policy with odd ranges": policy(entries=[[0, "5"], None, [[]]]),
    "a policy with a great quorum": policy(quorum=2**53 - 1),
    "a policy with a negative quorum": policy(quorum=-1),
    "a policy with odd keys": policy(log=[None, 5, "", "a+b+c"]),
    "a policy with the same key twice": policy(log=[KEY.vkey, KEY.vkey]),
    "a policy that tolerates all times": policy(late_seconds=2**53 - 1, origin="x"),
    "a list of paths outside": put("MANIFEST.sha256", f"{'0' * 64}  ../../etc/passwd\n".encode()),
    "a list of odd lines": put("MANIFEST.sha256", b"\x00\n\xff\n  \n" * 1_000),
    "cosignatures of nothing": put(
        "cosignatures", b"99 x\n-1 y\n\xd9\xa5 z\n" + b"9" * 9_000 + b" a\n"
    ),
    "a cosignature without time": put("cosignatures", timeless()),
    "a name with a line's end": put("content/a\nb", b""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_export_is_refused_in_words(
    export: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    HOSTILE[name](export)
    for again in (False, True):
        if again:
            list_again_where_possible(export)
        if again and name in HEALED:
            assert verify.main([str(export)]) == 0
            return
        assert verify.main([str(export)]) == 1
        said = capsys.readouterr()
        assert said.out.endswith("Damaged.\n")
        assert said.err == ""
        assert "\x1b" not in said.out
        assert verify.main([str(export), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["verdict"] == "damaged"


# With the digests made anew, nothing is left of these.
HEALED = ("a list of paths outside", "a list of odd lines")


def list_again_where_possible(folder: Path) -> None:
    if (folder / "checkpoint").stat().st_size < 10**9:
        list_again(folder)


def test_times_beyond_the_calendar_are_no_reason_to_stop(tmp_path: Path) -> None:
    headers = [header(index) for index in range(20)]
    headers[9] = header(9, time="9999-12-31T23:59:59.999999Z")
    log = Log.of(headers)
    log.write(tmp_path / "export", 20, late_seconds=10**9)
    assert verify.main([str(tmp_path / "export")]) in (0, 1)


@pytest.mark.parametrize("words", [["missing"], ["proof", "missing"], ["."], ["proof", "."]])
def test_what_is_not_there_cannot_be_checked(
    tmp_path: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert verify.main([*words, "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "not checked"
    assert "Traceback" not in said.err
    assert said.err


def test_a_wrong_command_line_is_refused(export: Path) -> None:
    for words in ([], [str(export), "--nonsense"], [str(export), "more"]):
        with pytest.raises(SystemExit) as stopped:
            verify.main(words)
        assert stopped.value.code == 2
    assert verify.main([str(export), "--keys", str(export / "README.txt")]) == 2
    assert verify.main([str(export), "--kept", str(export / "README.txt")]) == 2


def test_the_copy_in_the_export_runs_alone(export: Path) -> None:
    """With no project, no packages and no environment: as in somebody else's house."""
    command = [sys.executable, "-I", "-S", "verify.py", ".", "--json"]
    good = subprocess.run(command, cwd=export, env={}, capture_output=True, text=True, timeout=60)
    assert (good.returncode, json.loads(good.stdout)["verdict"]) == (0, "good")
    assert good.stderr == ""
    (export / "README.txt").write_bytes(b"changed")
    bad = subprocess.run(command, cwd=export, env={}, capture_output=True, text=True, timeout=60)
    assert (bad.returncode, json.loads(bad.stdout)["verdict"]) == (1, "damaged")


def test_it_needs_nothing_but_the_standard_library(export: Path) -> None:
    code = (
        "import sys; sys.argv = ['verify.py', '.']; import runpy\n"
        "try: runpy.run_path('verify.py', run_name='__main__')\n"
        "except SystemExit as done: assert done.code == 0\n"
        "names = {name.partition('.')[0] for name in sys.modules} - {'__main__', '__mp_main__'}\n"
        "print(sorted(names - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=export,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
