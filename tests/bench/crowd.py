"""64 people search at once: how many searches a second, who waits and who is told."""

import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from django.db import connection

from assistant.accounts.identity import entered
from assistant.documents import admission
from tests.bench import searches
from tests.bench.house import House
from tests.bench.many import Base
from tests.bench.place import CLOCK_TICKS
from tests.bench.searches import Ask, asks
from tests.bench.table import Row, p50, p95

CLIENTS = 64
SECONDS = 12.0
LEAST = 200


class _Crowd:
    def __init__(self, several: list[Ask], real: Base) -> None:
        self._several = several
        self._real = real
        self._lock = threading.Lock()
        self._until = time.monotonic() + SECONDS
        self.waits: list[float] = []
        self.counted: Counter[str] = Counter()
        self.now = self.most = 0

    def work(self, number: int) -> None:
        """Search on and on with levels mixed, each time another question."""
        while time.monotonic() < self._until:
            ask = self._several[number % len(self._several)]
            number += CLIENTS
            try:
                self._search(ask)
            except Exception as error:
                self.counted[type(error).__name__] += 1
        connection.close()

    def _search(self, ask: Ask) -> None:
        began = time.perf_counter()
        with admission.admitted(waiting=self._told):
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            with entered(ask.token):
                searches.nearest("", self._real.asked[ask.question])
            connection.close()
            with self._lock:
                self.now -= 1
                self.waits.append(1000 * (time.perf_counter() - began))

    def _told(self) -> None:
        with self._lock:
            self.counted["told"] += 1


def row(built: House, real: Base, postgres: int) -> Row:
    """All clients for some seconds; `postgres` is the server's process id."""
    server, client = _cpu_of_children(postgres), time.process_time()
    crowd = _Crowd(asks(built, real, each=20), real)
    threads = [threading.Thread(target=crowd.work, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    a_second = len(crowd.waits) / SECONDS
    told = crowd.counted.pop("told", 0)
    server, client = _cpu_of_children(postgres) - server, time.process_time() - client
    each = 1000 / max(1, len(crowd.waits))
    return Row(
        path="64 clients, levels mixed, vector search",
        goal=f"≥ {LEAST} searches a second, at most cores + 1 at once, the others queued and told",
        measured=f"{a_second:.0f} a second, {crowd.most} at once, answered after "
        f"{p50(crowd.waits):.0f} ms (p95 {p95(crowd.waits):.0f}), {told} told of a wait, "
        f"{sum(crowd.counted.values())} failed; a search takes {each * server:.1f} ms of processor "
        f"in the database and {each * client:.1f} here",
        met=a_second >= LEAST and crowd.most <= admission.places() and not crowd.counted,
    )


def _cpu_of_children(pid: int) -> float:
    """Processor seconds that the backends of a server have used so far."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rsplit(") ", 1)[1].split()
            if int(fields[1]) == pid:
                used += int(fields[11]) + int(fields[12])
    return used / CLOCK_TICKS
