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


def browser_steps() -> list[Step]:
    """A browser for the browser tests, unless there is one: Debian's, when that is allowed.

    Raises SetupError at once when this user may not install it, before an hour of set-up.
    """
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        return []
    apt = _apt("chromium")
    return [
        Step(
            title="browser for tests (chromium)",
            work=lambda: _apt_install(apt, "chromium"),
            stamp=CHECKOUT / ".venv" / "cloister-browser.stamp",
            key="chromium",
            product=Path("/usr/bin/chromium"),
            bytes_needed=400_000_000,
        )
    ]


def axe_step(home: Path) -> Step:
    """What tests take from npm, from locked packages: axe, a provider, a checker of proofs."""
    source, target = CHECKOUT / "tests" / "browser", home / "node"
    lock = source / "package-lock.json"
    apt = [] if shutil.which("npm") else _apt("npm")

    def work() -> None:
        if apt:
            _apt_install(apt, "npm")
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, target / name)
        npm = ["npm", "ci", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund"]
        run(npm, environment=dict(os.environ), seconds=600)

    return Step(
        title="what tests take from npm",
        work=work,
        stamp=target / "cloister.stamp",
        key=key_of(lock),
        product=target / "node_modules" / "axe-core" / "axe.min.js",
    )


DIRECTORY_PACKAGES = ("slapd", "xmlsec1")


def directory_steps(home: Path) -> list[Step]:
    """The servers that sign-on is tested against: Debian's, unpacked and not installed.

    Installed, slapd would start as a service of the machine; unpacked it is only files.
    """
    if shutil.which("slapd", path="/usr/sbin:/usr/bin") and shutil.which("xmlsec1"):
        return []
    if not shutil.which("apt-get"):
        raise SetupError(_please_install(" ".join(DIRECTORY_PACKAGES)))
    target = home / "debian"
    return [
        Step(
            title="directory server (slapd, xmlsec1)",
            work=lambda: _unpack(DIRECTORY_PACKAGES, target),
            stamp=home / "debian.stamp",
            key=key_of(*DIRECTORY_PACKAGES),
            product=target,
            bytes_needed=40_000_000,
        )
    ]


def _unpack(packages: Sequence[str], target: Path) -> None:
    """Download packages with what they need and this machine lacks; unpack them below `target`."""
    variables = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    if os.geteuid() == 0 or shutil.which("sudo"):
        run([*_apt(packages[0]), "update"], environment=variables, seconds=600)
    asked = ["apt-get", "install", "--simulate", "--no-install-recommends", *packages]
    plan = run(asked, environment=variables, seconds=300)
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    target.mkdir(parents=True, exist_ok=True)
    fetch = 'cd "$1" && shift && apt-get download "$@"'
    run(["sh", "-c", fetch, "sh", str(target), *names], environment=variables, seconds=900)
    for package in sorted(target.glob("*.deb")):
        run(["dpkg-deb", "--extract", str(package), str(target)], environment=variables)
        package.unlink()


def _apt(package: str) -> list[str]:
    """The command line of apt-get, if this user may use it."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        return ["apt-get"]
    if shutil.which("apt-get") and shutil.which("sudo"):
        return ["sudo", "--non-interactive", "apt-get"]
    raise SetupError(_please_install(package))


def _apt_install(apt: Sequence[str], package: str) -> None:
    variables = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    options = ["install", "--yes", "--no-install-recommends"]
    try:
        run([*apt, "update"], environment=variables, seconds=600)
        run([*apt, *options, package], environment=variables, seconds=1800)
    except SetupError as error:
        raise SetupError(f"{_please_install(package)}\n{error}") from error


def _please_install(package: str) -> str:
    return f"{package} is not installed. As root: apt-get install {package}. Then try again."


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
