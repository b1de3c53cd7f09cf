"""People sign in, out, and keep their accounts theirs."""

from assistant.accounts.models import User


def test_somebody_signs_in_and_out_again(page, world, sign_in):
    sign_in(page, world.bob)
    assert page.get_by_text("Ask the documents of").is_visible()
    page.get_by_text(world.bob.user.display_name).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto("/matters/")
    assert "/sign-in/" in page.url


def test_they_get_the_page_they_wanted(page, world):
    page.goto("/help/")
    page.get_by_label("Name").fill(world.bob.username)
    page.get_by_label("Password", exact=True).fill(world.bob.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/help/")


def test_a_wrong_password_is_refused_in_words(page, world):
    page.goto("/sign-in/")
    page.get_by_label("Name").fill(world.bob.username)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == world.bob.username


def test_a_password_somebody_else_knows_must_be_changed_first(page, world, sign_in):
    User.objects.filter(pk=world.bob.user.pk).update(must_change_password=True)
    sign_in(page, world.bob)
    page.wait_for_url("**/account/")
    page.get_by_label("Present password").fill(world.bob.password)
    page.get_by_label("New password").fill("nine red herons by the weir")
    page.get_by_role("button", name="Change password").click()
    assert page.get_by_text("The password is changed.").is_visible()
    page.goto("/")
    assert page.get_by_text("Ask the documents of").is_visible()


def test_another_browser_can_be_signed_out_from_here(open_browser, world, sign_in):
    here, there = open_browser().new_page(), open_browser().new_page()
    sign_in(there, world.bob)
    sign_in(here, world.bob)
    here.goto("/account/")
    here.get_by_role("button", name="End the session of").click()
    there.goto("/matters/")
    assert "/sign-in/" in there.url


def test_a_chosen_appearance_is_there_before_the_page_is_drawn(page, world, sign_in):
    sign_in(page, world.bob)
    page.get_by_text(world.bob.user.display_name).click()
    page.get_by_role("button", name="Dark").click()
    body = page.request.get("/help/").text()
    assert 'data-theme="dark"' in body


def test_what_one_person_typed_is_not_kept_for_the_next(page, world, sign_in):
    world.add("lease.md", "The rent is 100 euros a month.")
    sign_in(page, world.bob)
    page.get_by_label("Your question").fill("A question about somebody")
    page.get_by_text(world.bob.user.display_name).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    assert "somebody" not in page.evaluate("JSON.stringify({...localStorage})")
