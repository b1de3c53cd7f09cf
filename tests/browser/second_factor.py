"""Setting up a second factor in a browser, in few words."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from assistant.accounts import totp
from tests.second_step import App


def _nothing() -> None:
    """Nobody looks."""


def set_up_app(page: Page, *, look: Callable[[], None] = _nothing) -> App:
    """Type the secret of the page into an app, and the app's code into the page."""
    page.goto("/second-factor/set-up/")
    page.get_by_role("link", name="Set up an app").click()
    page.get_by_text("Cannot read it?").click()
    look()
    secret = page.locator("code.secret-text").inner_text().replace(" ", "")
    app = App(secret=totp.unspelled(secret))
    page.get_by_label("The code the app shows now").fill(app.code())
    page.get_by_role("button", name="Go on").click()
    return app


def keep_codes(page: Page, *, look: Callable[[], None] = _nothing) -> list[str]:
    """Have the codes shown and type one back."""
    page.get_by_role("button", name="Show ten new codes").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    look()
    page.get_by_label("Type one of them").fill(codes[9])
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_label("Type one of them")).to_have_count(0)
    return codes
