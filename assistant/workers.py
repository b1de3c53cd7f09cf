"""How a worker process is named in leases, and how one sees that it is gone."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path


def this_worker() -> str:
    """This process, as leases name it: host and process id."""
    return f"{_host()}{os.getpid()}"


def gone(names: Iterable[str]) -> list[str]:
    """Those of the named workers that ran on this host and run no more.

    What runs on other hosts cannot be told from here: their leases run out.
    """
    here = {name for name in names if name.startswith(_host())}
    return [name for name in here if not Path("/proc", name.removeprefix(_host())).exists()]


def _host() -> str:
    return f"{socket.gethostname()}/"
