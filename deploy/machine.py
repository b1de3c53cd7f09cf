"""What the machine must have before anything is started, each with a sentence of its own."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.steps import CHECKOUT, SetupError, Step, key_of, run

_SPARE_BYTES = 1_000_000_000
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def check_python() -> None:
    """The locks are made for one version of Python."""
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"This is Python {sys.version_info.major}.{sys.version_info.minor}; Cloister's locked "
            "packages are for 3.11. Install it, then: make run PYTHON=python3.11"
        )


def check_disk(home: Path, steps: Sequence[Step]) -> None:
    """Refuse to start what the disk cannot hold."""
    needed = sum(step.bytes_needed for step in steps if not step.is_done)
    if not needed:
        return
    for place in {_existing(home), CHECKOUT}:
        free = shutil.disk_usage(place).free
        if free < needed + _SPARE_BYTES:
            raise SetupError(
                f"The disk at {place} has {free / 1e9:.1f} GB free and the set-up needs "
                f"{(needed + _SPARE_BYTES) / 1e9:.1f} GB. Free some space, or put the data "
                "elsewhere with CLOISTER_HOME."
            )


def ensure_chromium() -> None:
    """A browser for the browser tests: the one installed, or Debian's when that is allowed."""
    if not any(shutil.which(name) for name in CHROMIUM_NAMES):
        _apt_install("chromium")


def axe_step(home: Path) -> Step:
    """The accessibility checker that browser tests load, from its locked package."""
    source, target = CHECKOUT / "tests" / "browser", home / "node"
    lock = source / "package-lock.json"

    def work() -> None:
        if not shutil.which("npm"):
            _apt_install("npm")
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, target / name)
        npm = ["npm", "ci", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund"]
        run(npm, environment=dict(os.environ), seconds=600)

    return Step(
        title="accessibility checker (axe)",
        work=work,
        stamp=target / "cloister.stamp",
        key=key_of(lock),
        product=target / "node_modules" / "axe-core" / "axe.min.js",
    )


def _apt_install(package: str) -> None:
    sentence = f"{package} is not installed. As root: apt-get install {package}. Then try again."
    if not shutil.which("apt-get"):
        raise SetupError(sentence)
    if os.geteuid() == 0:
        apt = ["apt-get"]
    elif shutil.which("sudo"):
        apt = ["sudo", "--non-interactive", "apt-get"]
    else:
        raise SetupError(sentence)
    variables = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        run([*apt, "update"], environment=variables, seconds=600)
        options = ["install", "--yes", "--no-install-recommends"]
        run([*apt, *options, package], environment=variables, seconds=1800)
    except SetupError as error:
        raise SetupError(f"{sentence}\n{error}") from error


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
