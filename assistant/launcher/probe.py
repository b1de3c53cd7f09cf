"""Ask a part over HTTP whether it answers, with nothing but sockets."""

import asyncio
from pathlib import Path


async def http_status(where: Path | tuple[str, int], path: str) -> int:
    """The status of `GET path` at a UNIX socket or a host and port. Raises OSError, ValueError."""
    if isinstance(where, Path):
        reader, writer = await asyncio.open_unix_connection(where)
        host = "localhost"
    else:
        reader, writer = await asyncio.open_connection(*where)
        host = f"{where[0]}:{where[1]}"
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        words = (await reader.readline()).split()
    finally:
        writer.close()
    if len(words) < 2:
        raise ValueError("no HTTP answer")
    return int(words[1])
