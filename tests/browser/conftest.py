"""A real browser in front of the installation. Whatever it complains of fails the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.installation import CHECKOUT, Installation
from tests.people import Person, World, make_world

# The browser's driver runs an event loop in this thread, which Django would take for its own.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser: {CHROMIUM} is not installed; run `make test`")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def world(database: Any) -> World:
    """A matter with Alice, Bob in it and Charlie outside, apart from every other test's."""
    return make_world()


@pytest.fixture
def site(installation: Installation) -> str:
    """The address of the installation."""
    return installation.address


class Complaints:
    """What a browser was not content with, and what it asked of anybody else."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.found: list[str] = []
        self.expected: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("weberror", lambda error: self.found.append(f"script: {error.error}"))
        context.on("console", self._console)
        context.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.found.append(f"request to somebody else: {request.url}")

    def unexpected(self) -> list[str]:
        return [
            text for text in self.found if not any(part in text for part in self.expected)
        ]


@pytest.fixture
def complaints(site: str) -> Iterator[Complaints]:
    """Empty at the end of each test, but for what the test `expected`."""
    complaints = Complaints(site)
    yield complaints
    assert complaints.unexpected() == []


@pytest.fixture
def open_browser(
    chromium: Browser, site: str, complaints: Complaints
) -> Iterator[Callable[..., BrowserContext]]:
    """A browser of somebody's own, with its cookies, closed at the end."""
    contexts: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        context = chromium.new_context(**{"base_url": site, "viewport": WIDE} | options)
        context.set_default_timeout(PATIENCE_MS)
        complaints.watch(context)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_browser: Callable[..., BrowserContext]) -> Page:
    """A tab at a desk."""
    return open_browser().new_page()


@pytest.fixture
def sign_in() -> Callable[[Page, Person], None]:
    """Fill in the sign-in form and wait for what comes after it."""

    def run(page: Page, person: Person) -> None:
        page.goto("/sign-in/")
        page.get_by_label("Name").fill(person.username)
        page.get_by_label("Password", exact=True).fill(person.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/sign-in/" not in address)

    return run


@pytest.fixture(scope="session")
def axe_script() -> str:
    """The accessibility checker that the set-up installed."""
    homes = [os.environ.get("CLOISTER_SETUP_HOME"), CHECKOUT / "var"]
    folders = [Path(home) / "node" for home in homes if home] + [Path(__file__).parent]
    for folder in folders:
        script = folder / "node_modules" / "axe-core" / "axe.min.js"
        if script.exists():
            return script.read_text()
    pytest.skip("axe is not installed; run `make test`, or `npm ci` in tests/browser")


@pytest.fixture
def violations(axe_script: str) -> Callable[[Page], list[str]]:
    """What axe holds against a page as it is now: rule and place, one a line."""

    def run(page: Page) -> list[str]:
        # Evaluated by the driver: the page's policy would let no foreign script in.
        page.evaluate(axe_script)
        found = page.evaluate(
            "tags => axe.run(document, {runOnly: tags}).then(result => result.violations)", WCAG
        )
        return [
            f"{rule['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for rule in found
            for node in rule["nodes"]
        ]

    return run
