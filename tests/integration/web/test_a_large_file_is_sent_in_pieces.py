"""A download takes no more of the web server's memory than a piece of the file."""

import hashlib
import os
import re
from pathlib import Path

from tests.installation import Installation
from tests.people import World
from tests.visitor import Visitor

MEGABYTE = 1_000_000
SIZE = 64 * MEGABYTE


def _resident(pid: int) -> int:
    """The memory a process has now, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def test_a_large_file_is_not_read_into_memory(world: World, installation: Installation) -> None:
    content = os.urandom(SIZE)
    version = world.upload("scan.bin", content)
    address = f"/documents/versions/{version.id}/file/"
    web = installation.state()["pids"]["web"]
    with Visitor(installation.address, world.bob) as bob:
        bob.get("/account/")
        before = most = _resident(web)
        digest = hashlib.sha256()
        with bob.http.stream("GET", address) as response:
            assert response.headers["content-length"] == str(SIZE)
            for piece in response.iter_bytes():
                digest.update(piece)
                most = max(most, _resident(web))
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()
    assert most - before < SIZE / 2
