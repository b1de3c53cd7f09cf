"""The data folder of an installation: where what is kept, who runs it, what it says of itself."""

import fcntl
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from assistant.launcher.errors import CannotStart

# A UNIX socket's path has 108 bytes in the kernel, the closing zero among them.
_LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Paths inside the data folder."""

    folder: Path

    @property
    def run(self) -> Path:
        """What exists only while it runs: state, lock, sockets."""
        return self.folder / "run"

    @property
    def logs(self) -> Path:
        """One log file a part."""
        return self.folder / "logs"

    @property
    def engine_python(self) -> Path:
        """The interpreter of vLLM's own environment."""
        return self.folder / "engine" / "bin" / "python"

    @property
    def state_file(self) -> Path:
        """What the installation says of itself to every other command."""
        return self.run / "state.json"

    def prepare(self) -> None:
        """Make the folders. Raises CannotStart when the disk or the rights do not allow it."""
        try:
            if not self.folder.exists():
                self.folder.mkdir(parents=True)
                # Started by root, PostgreSQL runs as `nobody` and must be able to enter.
                self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for closed in (self.run, self.logs, self.folder / "secrets"):
                closed.mkdir(mode=0o700, exist_ok=True)
                closed.chmod(0o700)
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.folder} cannot be used ({error.strerror}). "
                "Choose another with CLOISTER_HOME."
            ) from error

    def socket(self, name: str) -> Path:
        """Where a part's UNIX socket goes; in the system's folder when ours is too deep."""
        path = self.run / f"{name}.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        closed = Path(tempfile.gettempdir()) / f"cloister-{os.getuid()}-{digest}"
        closed.mkdir(mode=0o700, exist_ok=True)
        if closed.stat().st_uid != os.getuid() or closed.stat().st_mode & 0o077:
            raise CannotStart(f"{closed} belongs to somebody else. Remove it and start again.")
        return closed / f"{name}.sock"

    def lock(self) -> IO[str]:
        """Hold the data folder for this process; the kernel lets go when the process ends.

        Raises CannotStart when another launcher holds it.
        """
        file = (self.run / "lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise CannotStart(
                f"Cloister already runs in {self.folder} (process {holder}). "
                "Stop it first, or choose another data folder with CLOISTER_HOME."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file


def write_owner_only(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner alone."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with open(scratch, "w", opener=_owner_only) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class State:
    """What the running installation says of itself, kept in `run/state.json`."""

    def __init__(self, home: Home, address: str) -> None:
        self._file = home.state_file
        self._values: dict[str, Any] = {
            "address": address,
            "pids": {"launcher": os.getpid()},
            "databases": {},
            "models": {},
        }

    def set(self, **values: Any) -> None:
        """Change top-level values and write the file."""
        self._values.update(values)
        self._write()

    def set_pid(self, part: str, pid: int | None) -> None:
        """Record that a part runs as `pid`, or that it does not run."""
        if pid is None:
            self._values["pids"].pop(part, None)
        else:
            self._values["pids"][part] = pid
        self._write()

    def remove(self) -> None:
        """Nothing runs any more."""
        self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        write_owner_only(self._file, json.dumps(self._values, indent=1) + "\n")
