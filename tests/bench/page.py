"""The chat page, opened by a browser that has never seen it; and what all parts hold in memory."""

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.bench.place import Place
from tests.bench.table import Row, note, p50
from tests.browser.conftest import CHROMIUM, QUIET
from tests.people import World, make_world
from tests.visitor import Visitor

TIMES = 5
SLOW_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SLOW_CPU = 4


def run(place: Place) -> list[Row]:
    """Bytes, requests and the time until one can type; then the memory of an idle installation."""
    world = make_world()
    world.add("note.md", "# Rent\n\nThe monthly rent is 4,250 euros.\n")
    note("page: the chat page, cold…")
    with place.model(ttft_ms=10, itl_ms=1, tokens=12), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        quick = [_open(browser, place, world) for _ in range(TIMES)]
        slow = [_open(browser, place, world, slow=True) for _ in range(TIMES)]
        browser.close()
    size, count, ready = quick[0][0], quick[0][1], p50([one[2] for one in quick])
    slow_ready = p50([one[2] for one in slow])
    return [
        Row(
            path="chat page, cold",
            goal="≤ 90 kB, ≤ 12 requests, ready to type ≤ 0.5 s; ≤ 2 s at 1.6 Mbit/s, 150 ms, "
            "CPU 4× slower",
            measured=f"{size / 1000:.0f} kB, {count} requests, {ready:.2f} s; {slow_ready:.2f} s",
            met=size <= 90_000 and count <= 12 and ready <= 0.5 and slow_ready <= 2,
        ),
        _memory(place),
    ]


def _open(
    browser: Browser, place: Place, world: World, *, slow: bool = False
) -> tuple[int, int, float]:
    """Bytes over the wire, requests, seconds until the composer takes text."""
    context = browser.new_context()
    visitor = Visitor(place.installation.address, world.alice)
    cookies: Any = [
        {"name": name, "value": value, "url": place.installation.address}
        for name, value in visitor.http.cookies.items()
    ]
    context.add_cookies(cookies)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if slow:
        session.send("Network.emulateNetworkConditions", SLOW_LINE)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_CPU})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    began = time.monotonic()
    page.goto(f"{place.installation.address}/chat/?matter={world.matter.id}", wait_until="commit")
    page.locator("[data-ready]").wait_for()
    ready = time.monotonic() - began
    page.wait_for_load_state("networkidle")
    context.close()
    visitor.http.close()
    return int(sum(sizes)), len(sizes), ready


def _memory(place: Place) -> Row:
    note("page: memory when idle…")
    time.sleep(5)
    pids = [pid for pid in place.installation.state()["pids"].values() if pid]
    held = sum(_shared_out(pid) for pid in _with_children(pids)) / 1e9
    return Row(
        path="memory of all parts when idle, embedding model included, vLLM not",
        goal="≤ 1.2 GB",
        measured=f"{held:.2f} GB",
        met=held <= 1.2,
    )


def _with_children(pids: list[int]) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        parents[int(folder.name)] = int(stat.rsplit(") ", 1)[1].split()[1])
    family = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _shared_out(pid: int) -> int:
    """A process's proportional set size in bytes: shared pages count once among their holders."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
