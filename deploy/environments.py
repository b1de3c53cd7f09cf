"""The Python environments: the application's (`.venv`), vLLM's (`HOME/engine`), and for tests that
of an independent verifier of the record (`HOME/verifier`).

Packages are installed from locks with hashes, by uv when it works here, else by pip, which knows
every way in which a site may have configured its index. Torch is not in the locks: its CPU build
has a version of its own (`+cpu`) and comes from a folder or index that the site has configured, or
from PyTorch's public CPU index.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.steps import CHECKOUT, LOCKS, SetupError, Step, key_of, run

APP = CHECKOUT / ".venv"
TORCH = "2.13.0"
_APP_BYTES, _ENGINE_BYTES, _DEV_BYTES = 1_900_000_000, 2_300_000_000, 400_000_000


def app_steps() -> list[Step]:
    """The application's environment, with everything that runs."""
    lock = LOCKS / "app.lock"
    return [
        Step(
            title="Python environment",
            work=lambda: _make(APP, with_pip=True),
            stamp=APP / "cloister-tools.stamp",
            key=key_of(LOCKS / "tools.lock"),
            product=APP / "bin" / "uv",
        ),
        Step(
            title="application packages",
            work=lambda: _fill(APP, lock),
            stamp=APP / "cloister-app.stamp",
            key=key_of(lock, TORCH),
            product=APP / "bin" / "celery",
            bytes_needed=_APP_BYTES,
        ),
    ]


def dev_step() -> Step:
    """What only tests, linters and type checkers need, beside the application."""
    lock = LOCKS / "dev.lock"
    return Step(
        title="developers' packages",
        work=lambda: _install(APP, "--require-hashes", "--requirement", str(lock)),
        stamp=APP / "cloister-dev.stamp",
        key=key_of(lock, LOCKS / "app.lock"),
        product=APP / "bin" / "pytest",
        bytes_needed=_DEV_BYTES,
    )


def engine_step(home: Path) -> Step:
    """The environment of vLLM, apart, because it pins other versions."""
    lock, folder = LOCKS / "engine.lock", home / "engine"

    def work() -> None:
        _make(folder, with_pip=False)
        _fill(folder, lock)

    return Step(
        title="model engine (vLLM)",
        work=work,
        stamp=folder / "cloister.stamp",
        key=key_of(lock, TORCH),
        product=folder / "bin" / "python",
        bytes_needed=_ENGINE_BYTES,
    )


def verifier_step(home: Path) -> Step:
    """Somebody else's verifier of transparency logs, which has to agree with ours.

    It asks for Python 3.12 and works with 3.11, which pip is told and uv cannot be told.
    """
    lock, folder = LOCKS / "verifier.lock", home / "verifier"

    def work() -> None:
        _make(folder, with_pip=False)
        _pip_install(folder, "--ignore-requires-python", "--require-hashes", "-r", str(lock))

    return Step(
        title="independent verifier",
        work=work,
        stamp=folder / "cloister.stamp",
        key=key_of(lock),
        product=folder / "bin" / "python",
        bytes_needed=40_000_000,
    )


def _make(folder: Path, *, with_pip: bool) -> None:
    """Make an environment, or make a broken one anew; give the first one its installers."""
    python = folder / "bin" / "python"
    if not _runs([str(python), "-c", "import pip" if with_pip else ""]):
        options = ["--clear"] if with_pip else ["--clear", "--without-pip"]
        try:
            run(
                [sys.executable, "-m", "venv", *options, str(folder)],
                environment=installer_environment(),
            )
        except SetupError as error:
            if "ensurepip" not in str(error):
                raise
            raise SetupError(
                "Python's venv module is incomplete. Install it, on Debian with "
                f"`apt-get install python3.{sys.version_info.minor}-venv`, and run this again."
            ) from error
    if with_pip:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        run([*pip, "--requirement", str(LOCKS / "tools.lock")], environment=installer_environment())


def _fill(folder: Path, lock: Path) -> None:
    _install_torch(folder)
    _install(folder, "--require-hashes", "--requirement", str(lock))


def _install_torch(folder: Path) -> None:
    """Torch's CPU build: from where the site keeps it, else from PyTorch's public CPU index."""
    if _runs([str(folder / "bin" / "python"), "-c", _TORCH_IS_THERE]):
        return
    try:
        _install(folder, f"torch=={TORCH}+cpu")
    except SetupError:
        uv = _uv(folder)
        run([*uv, "--torch-backend", "cpu", f"torch=={TORCH}"], environment=installer_environment())


_TORCH_IS_THERE = (
    "import importlib.metadata as m, sys; "
    f"sys.exit(m.version('torch') != '{TORCH}+cpu' or not m.files('torch'))"
)


def _install(folder: Path, *what: str) -> None:
    try:
        run([*_uv(folder), *what], environment=installer_environment())
    except SetupError as by_uv:
        if "disk is full" in str(by_uv):
            raise
        _pip_install(folder, *what)


def _pip_install(folder: Path, *what: str) -> None:
    pip = [str(APP / "bin" / "python"), "-m", "pip", "--python", str(folder / "bin" / "python")]
    run([*pip, "install", "--quiet", "--no-deps", *what], environment=installer_environment())


def _uv(folder: Path) -> list[str]:
    uv = [str(APP / "bin" / "uv"), "pip", "install", "--quiet", "--no-deps"]
    return [*uv, "--python", str(folder / "bin" / "python")]


def _runs(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def installer_environment() -> dict[str, str]:
    """The environment, with pip's configuration told to uv, which does not read it."""
    settings = _pip_settings()
    told = {
        "UV_FIND_LINKS": ",".join(settings.get("find-links", "").split()),
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "SSL_CERT_FILE": settings.get("cert", ""),
    }
    variables = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        variables.pop(name, None)
    return {key: value for key, value in told.items() if value} | variables


def _pip_settings() -> dict[str, str]:
    """pip's configuration files, and over them its variables."""
    python = APP / "bin" / "python"
    command = [str(python if python.exists() else sys.executable), "-m", "pip", "config", "list"]
    settings: dict[str, str] = {}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return settings
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            settings[option] = " ".join(shlex.split(value)).replace("\\n", " ")
    return settings
