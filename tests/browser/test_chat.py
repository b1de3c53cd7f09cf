"""Asking in the browser: evidence first, checked sentences, sources one click away."""

import pytest
from playwright.sync_api import expect

from tests.browser.asking import ask, open_chat, wait_until_answered
from tests.model_server import Script
from tests.people import make_world
from tests.samples import LEASE, truths

RENT = "The monthly rent is 4,250 euros and is due on the third working day of each month."
INVENTED = "The house has 17 windows and a cellar full of wine from the south."
QUESTION = "How much is the monthly rent and when is it due?"


@pytest.fixture(scope="module")
def world(database):
    """One matter with a lease for all tests of this file: each has a conversation of its own."""
    world = make_world()
    world.add("lease.md", LEASE)
    return world


@pytest.fixture
def chat(page, world, sign_in):
    """Bob before an empty conversation."""
    sign_in(page, world.bob)
    open_chat(page, world.matter.id)
    return page


def open_menu(chat):
    chat.locator("[data-talk-menu] > summary").click()


def test_evidence_is_there_before_the_first_word(chat, model):
    model.enqueue(Script(text=RENT, first_token_seconds=3))
    turn = ask(chat, QUESTION)
    expect(chat.locator(".passage mark").first).to_contain_text("4,250 euros")
    assert turn.locator(".prose").inner_text().strip() == ""
    wait_until_answered(turn)


def test_a_supported_sentence_opens_its_source_with_the_words_marked(chat, model):
    model.enqueue(RENT)
    turn = wait_until_answered(ask(chat, QUESTION))
    turn.get_by_role("button", name="Source 1: lease.md, page 1").click()
    expect(chat.locator("[data-source] mark")).to_contain_text("monthly rent is 4,250 euros")
    expect(chat.get_by_role("heading", name="Source 1 of")).to_be_focused()


def test_an_unsupported_sentence_is_marked_and_its_number_is_named(chat, model):
    model.enqueue(f"{RENT} {INVENTED}")
    turn = wait_until_answered(ask(chat, QUESTION))
    expect(turn.locator(".sentence.unsupported")).to_have_text(INVENTED)
    expect(turn).to_contain_text("In no passage: 17.")
    expect(turn).to_contain_text("1 of 2 sentences are supported")


def test_unsupported_prose_gives_way_to_quotations(chat, model):
    model.enqueue(INVENTED)
    turn = wait_until_answered(ask(chat, QUESTION))
    expect(turn.locator(".sentence.quotation").first).to_contain_text("4,250 euros")
    expect(turn.locator(".why")).to_contain_text("documents are quoted")
    expect(turn).not_to_contain_text("windows")


def test_a_question_the_documents_do_not_answer_is_said_to_be_so(chat, model):
    turn = wait_until_answered(ask(chat, "Which vaccines does a newborn zebra need in Kenya?"))
    expect(turn.locator(".why")).to_contain_text("do not answer this question")
    assert model.requests == []


def test_markup_from_a_model_stays_text(chat, model):
    evil = '<img src=x onerror="alert(1)"> [more](http://evil.example/?q=1) ![x](http://evil.example/x.png)'
    model.enqueue(f"{RENT} {evil}")
    turn = wait_until_answered(ask(chat, QUESTION))
    expect(turn).to_contain_text("<img src=x")
    assert turn.locator(".prose :is(img, a, script)").count() == 0


def test_stop_keeps_what_was_written(chat, model):
    model.enqueue(Script(text=f"{{round}}: {RENT} ", forever=True, between_tokens_seconds=0.03))
    turn = ask(chat, QUESTION)
    expect(turn.locator(".prose")).to_contain_text("third working day")
    chat.keyboard.press("Escape")
    wait_until_answered(turn)
    expect(turn.locator(".why")).to_have_text("You stopped this answer.")
    expect(turn.locator(".prose")).to_contain_text("4,250 euros")


def test_a_reload_in_the_middle_reads_on_to_the_end(chat, model):
    long = truths(6)
    model.enqueue(Script(text=long, between_tokens_seconds=0.04))
    turn = ask(chat, QUESTION)
    expect(turn.locator(".prose")).to_contain_text("third working day")
    chat.wait_for_url("**/chat/*-*/")
    chat.reload()
    turn = wait_until_answered(chat.locator(".turn"))
    parts = [part.strip() for part in turn.locator(".sentence").all_inner_texts()]
    assert len(parts) == 6
    assert " ".join(parts) == long


def test_a_second_tab_follows_the_same_answer(chat, model):
    model.enqueue(Script(text=truths(4), between_tokens_seconds=0.04))
    turn = ask(chat, QUESTION)
    chat.wait_for_url("**/chat/*-*/")
    other = chat.context.new_page()
    other.goto(chat.url)
    wait_until_answered(turn)
    wait_until_answered(other.locator(".turn"))
    texts = [tab.locator(".prose").inner_text() for tab in (chat, other)]
    assert texts[0] == texts[1]
    assert len(model.requests) == 1


def test_only_start_and_end_are_announced(chat, model):
    chat.evaluate(
        """() => {
          window.said = [];
          const place = document.getElementById("announcer");
          const hear = new MutationObserver(() => said.push(place.textContent));
          hear.observe(place, {childList: true});
        }"""
    )
    model.enqueue(Script(text=truths(3), between_tokens_seconds=0.01))
    wait_until_answered(ask(chat, QUESTION))
    assert chat.evaluate("said") == ["Answer started", "Answer finished"]


def test_asking_again_keeps_the_first_answer_beside_the_second(chat, model):
    model.enqueue(RENT)
    turn = wait_until_answered(ask(chat, QUESTION))
    model.enqueue(f"{RENT} {RENT}")
    turn.get_by_role("button", name="Ask again").click()
    turn = wait_until_answered(chat.locator(".turn"))
    expect(turn.get_by_role("navigation", name="Answer 2 of 2")).to_be_visible()
    turn.get_by_role("link", name="Previous answer").click()
    turn = wait_until_answered(chat.locator(".turn"))
    expect(turn.get_by_role("navigation", name="Answer 1 of 2")).to_be_visible()
    assert turn.locator(".sentence").count() == 1


def test_changing_a_question_makes_a_branch(chat, model):
    model.enqueue(RENT)
    wait_until_answered(ask(chat, QUESTION))
    chat.keyboard.press("ArrowUp")
    field = chat.get_by_label("Your question")
    expect(field).to_have_value(QUESTION)
    model.enqueue(RENT)
    field.fill("What is the monthly rent in euros?")
    chat.keyboard.press("Enter")
    turn = wait_until_answered(chat.locator(".turn"))
    expect(turn.get_by_role("navigation", name="Wording 2 of 2")).to_be_visible()
    turn.get_by_role("link", name="Previous wording").click()
    expect(chat.locator(".question-text")).to_have_text(QUESTION)


def test_a_draft_survives_a_reload(chat):
    chat.get_by_label("Your question").fill("Half a question")
    chat.reload()
    expect(chat.get_by_label("Your question")).to_have_value("Half a question")


def test_a_judgement_is_given_with_its_reason(chat, model, superuser):
    model.enqueue(RENT)
    turn = wait_until_answered(ask(chat, QUESTION))
    turn.get_by_role("button", name="Not helpful").click()
    turn.get_by_label("It is out of date").check()
    turn.get_by_label("In your words").fill("The rent was raised.")
    turn.get_by_role("button", name="Send").click()
    pressed = turn.get_by_role("button", name="Not helpful")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    chat.reload()
    expect(pressed).to_have_attribute("aria-pressed", "true")
    query = "select reason, text from chat_feedback order by id desc limit 1"
    assert superuser(query) == [("outdated", "The rent was raised.")]


def test_an_answer_is_copied_with_its_sources(chat, model):
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    model.enqueue(RENT)
    turn = wait_until_answered(ask(chat, QUESTION))
    turn.get_by_role("button", name="Copy the answer").click()
    expect(turn.get_by_text("Copied")).to_be_visible()
    copied = chat.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{RENT} [1]")
    assert "[1] lease.md, page 1: “" in copied


def test_a_deleted_conversation_comes_back_with_undo(chat, model):
    model.enqueue(RENT)
    question = "How much is the monthly rent of the mill that is to be deleted?"
    wait_until_answered(ask(chat, question))
    address = chat.url
    open_menu(chat)
    chat.get_by_role("button", name="Delete this conversation").click()
    expect(chat.get_by_text("The conversation is deleted.")).to_be_visible()
    history = chat.get_by_role("navigation", name="Conversations")
    expect(history).not_to_contain_text("to be deleted")
    chat.get_by_role("button", name="Undo").click()
    chat.wait_for_url(address)
    expect(chat.locator(".question-text")).to_have_text(question)


def test_a_conversation_is_renamed_and_found_again(chat, model):
    model.enqueue(RENT)
    wait_until_answered(ask(chat, QUESTION))
    open_menu(chat)
    chat.get_by_label("Title").fill("What the mill costs")
    chat.get_by_role("button", name="Rename").click()
    expect(chat.get_by_role("heading", name="What the mill costs")).to_be_visible()
    history = chat.get_by_role("navigation", name="Conversations")
    chat.keyboard.press("Control+k")
    chat.keyboard.type("unicorns")
    expect(history).to_contain_text("No conversation holds “unicorns”.")
    chat.keyboard.press("Control+a")
    chat.keyboard.type("mill costs")
    expect(history.get_by_role("link")).to_contain_text("What the mill costs")


def test_sources_are_reached_by_single_keys_which_can_be_turned_off(chat, model):
    model.enqueue(f"{RENT} The deposit is three monthly rents.")
    wait_until_answered(ask(chat, QUESTION))
    chat.locator(".turns").focus()
    chat.keyboard.press("n")
    expect(chat.get_by_role("heading", name="Source 1 of 2")).to_be_visible()
    chat.keyboard.press("n")
    expect(chat.get_by_role("heading", name="Source 2 of 2")).to_be_visible()
    chat.keyboard.press("p")
    expect(chat.get_by_role("heading", name="Source 1 of 2")).to_be_visible()
    chat.keyboard.press("Escape")
    expect(chat.locator(".passage").first).to_be_visible()
    chat.keyboard.press("?")
    chat.get_by_label("Single keys").uncheck()
    chat.get_by_role("button", name="Close").click()
    chat.locator(".turns").focus()
    chat.keyboard.press("n")
    expect(chat.locator(".passage").first).to_be_visible()


def test_a_question_sent_while_the_site_is_away_is_asked_once(
    chat, model, installation, complaints
):
    complaints.expected += ["WebSocket connection", "ERR_CONNECTION_REFUSED"]
    model.enqueue(RENT)
    gone = installation.kill("web")
    expect(chat.get_by_role("alert")).to_contain_text("The connection is lost")
    turn = ask(chat, QUESTION)
    installation.wait_until_replaced("web", gone)
    wait_until_answered(turn)
    expect(chat.get_by_role("alert")).to_be_hidden()
    assert len(model.requests) == 1


def test_a_session_that_ended_elsewhere_is_told_and_the_text_is_kept(chat, sign_in, world):
    chat.get_by_label("Your question").fill(QUESTION)
    other = chat.context.new_page()
    other.goto("/help/")
    other.evaluate("document.querySelector('[data-sign-out]').removeAttribute('data-sign-out')")
    other.get_by_text(world.bob.user.display_name).click()
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in/")
    chat.get_by_role("button", name="Ask").click()
    expect(chat.get_by_role("alert")).to_contain_text("Your session has ended")
    assert QUESTION in chat.evaluate("JSON.stringify({...localStorage})")


def test_the_reader_may_scroll_back_while_an_answer_is_written(chat, model):
    model.enqueue(Script(text=truths(40), between_tokens_seconds=0.005))
    turn = ask(chat, QUESTION)
    expect(turn.locator(".prose")).to_contain_text("working day")
    column = chat.locator(".turns")
    expect(chat.locator(".sentence").nth(15)).to_be_attached()
    column.evaluate("node => { node.scrollTop = 0 }")
    expect(chat.get_by_role("button", name="Jump to latest")).to_be_visible()
    assert column.evaluate("node => node.scrollTop") == 0
    chat.get_by_role("button", name="Jump to latest").click()
    wait_until_answered(turn)
    near_end = "node => node.scrollHeight - node.scrollTop - node.clientHeight < 100"
    assert column.evaluate(near_end)
