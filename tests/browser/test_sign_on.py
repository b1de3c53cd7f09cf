"""A real browser goes to the house's own sign-on and comes back: cookies, redirects, policies."""

from uuid import uuid4


def name_of_somebody():
    return f"erin-{uuid4().hex[:8]}"


def test_to_the_openid_provider_and_back(page, openid, complaints):
    # The provider's own pages ask for a font elsewhere, in vain.
    complaints.expected += [openid, "fonts", "Content Security Policy", "ERR_", "404"]
    name = name_of_somebody()
    page.goto("/sign-in/?next=/help/")
    page.get_by_role("link", name="Continue with the clinic's account").click()
    page.locator("input[name=login]").fill(f"{name}+clinicians")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/second-factor/**")


def test_to_the_saml_provider_and_back_from_another_site(page, saml, complaints):
    complaints.expected.append(saml)
    name = name_of_somebody()
    page.goto("/sign-in/?next=/help/")
    page.get_by_role("link", name="Continue with the firm's account").click()
    page.get_by_label("Name").fill(f"{name}+clinicians")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/second-factor/**")


def test_a_refusal_comes_back_to_the_sign_in_page(page, site, complaints, violations):
    complaints.expected.append("403")
    page.goto("/sign-in/oidc/return/?state=made-up&code=made-up")
    assert page.get_by_role("alert").get_by_text("was not begun in this browser").is_visible()
    assert page.get_by_role("alert").get_by_text("Reference").is_visible()
    assert violations(page) == []
