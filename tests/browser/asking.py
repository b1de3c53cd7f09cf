"""What a person does in the chat, in few words."""

from playwright.sync_api import Locator, Page, expect


def ask(page: Page, question: str) -> Locator:
    """Type a question and send it; returns the place where it is answered."""
    before = page.locator(".turn").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").nth(before)
    expect(turn.locator(".question-text")).to_have_text(question)
    return turn


def wait_until_answered(turn: Locator) -> Locator:
    """Wait for the answer's last word; what one can do with it is offered then."""
    expect(turn.get_by_role("button", name="Ask again")).to_be_visible()
    return turn


def open_chat(page: Page, matter: object) -> None:
    """A new conversation in a matter, ready to type."""
    page.goto(f"/chat/?matter={matter}")
    page.locator("[data-ready]").wait_for()
