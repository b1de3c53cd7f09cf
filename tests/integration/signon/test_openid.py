"""Signing in by way of a real OpenID provider."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from django.utils import timezone

from assistant.accounts import factors
from assistant.accounts.models import LinkedIdentity, User
from compliance.events import Context
from tests.sign_on.journey import Journey


def test_somebody_new_signs_in_and_gets_the_roles_of_their_groups(
    openid: str, journey: Journey, name: str
) -> None:
    back = journey.through_openid(
        journey.begin("oidc", next="/matters/"), f"{name}+clinicians+choir"
    )
    arrived = journey.get(back)
    assert (arrived.status_code, arrived.headers["Location"]) == (302, "/matters/")
    assert journey.is_known()
    user = User.objects.get(username=name)
    assert user.roles == ["staff"]
    identity = LinkedIdentity.objects.using("signin").get(user=user)
    assert (identity.issuer, identity.subject) == (openid, f"subject-of-{name}")


def test_a_session_begun_elsewhere_takes_a_second_factor_and_enters_the_persons_identity(
    openid: str, installation: Any, journey: Journey, name: str
) -> None:
    journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+clinicians"))
    assert journey.get("/matters/").headers["Location"].startswith("/second-factor/")
    factors.defer(Context(), User.objects.get(username=name), until=_tomorrow())
    with Journey(installation.address) as later:
        later.get(later.through_openid(later.begin("oidc"), f"{name}+clinicians"))
        assert later.get("/matters/").status_code == 200


def _tomorrow() -> datetime:
    return timezone.now() + timedelta(days=1)


def test_groups_are_followed_at_the_next_sign_in(
    openid: str, installation: Any, journey: Journey, name: str
) -> None:
    journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+clinicians"))
    with Journey(installation.address) as later:
        later.get(later.through_openid(later.begin("oidc"), f"{name}+clinicians+librarians"))
        assert later.is_known()
    assert sorted(User.objects.get(username=name).roles) == ["knowledge_manager", "staff"]


def test_an_answer_counts_only_in_the_browser_that_began(
    openid: str, installation: Any, journey: Journey, name: str
) -> None:
    back = journey.through_openid(journey.begin("oidc"), f"{name}+clinicians")
    with Journey(installation.address) as victim:
        victim.begin("oidc")
        refused = victim.get(back)
        assert refused.status_code == 403
        assert "was not begun in this browser" in refused.text
        assert not victim.is_known()
    assert journey.get(back).status_code == 302


def test_an_answer_counts_once(openid: str, journey: Journey, name: str) -> None:
    back = journey.through_openid(journey.begin("oidc"), f"{name}+clinicians")
    assert journey.get(back).status_code == 302
    journey.post("/sign-out/", {})
    journey.begin("oidc")
    assert journey.get(back).status_code == 403


def test_a_state_that_was_never_given_out_is_refused(openid: str, journey: Journey) -> None:
    journey.begin("oidc")
    refused = journey.get("/sign-in/oidc/return/?code=made-up&state=made-up")
    assert refused.status_code == 403
    assert "Reference <code>" in refused.text


def test_a_code_that_the_provider_did_not_give_is_refused(openid: str, journey: Journey) -> None:
    state = httpx.URL(journey.begin("oidc")).params["state"]
    assert journey.get(f"/sign-in/oidc/return/?code=made-up&state={state}").status_code == 403
    assert not journey.is_known()


def test_what_the_provider_refuses_is_said_on_the_sign_in_page(
    openid: str, journey: Journey
) -> None:
    state = httpx.URL(journey.begin("oidc")).params["state"]
    refused = journey.get(f"/sign-in/oidc/return/?error=access_denied&state={state}")
    assert "did not sign you in" in refused.text


def test_the_request_carries_a_challenge_a_state_and_a_nonce(
    openid: str, journey: Journey
) -> None:
    asked = httpx.URL(journey.begin("oidc")).params
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43


def test_nobody_without_a_mapped_group_gets_in(openid: str, journey: Journey, name: str) -> None:
    refused = journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+choir"))
    assert "none of your groups has a role here" in refused.text
    assert not User.objects.filter(username=name).exists()


def test_nobody_becomes_administrator_and_something_else(
    openid: str, journey: Journey, name: str
) -> None:
    login = f"{name}+clinicians+operators"
    refused = journey.get(journey.through_openid(journey.begin("oidc"), login))
    assert "roles that nobody may hold together" in refused.text
    assert not User.objects.filter(username=name).exists()


def test_a_name_is_not_an_identity(openid: str, journey: Journey, world: Any) -> None:
    """Somebody at the provider who is called like Alice does not become her."""
    login = f"{world.alice.username}+clinicians"
    refused = journey.get(journey.through_openid(journey.begin("oidc"), login))
    assert "an account here has your name and is not linked to you" in refused.text
    assert not journey.is_known()


def test_a_closed_account_stays_closed(
    openid: str, installation: Any, journey: Journey, name: str
) -> None:
    journey.get(journey.through_openid(journey.begin("oidc"), f"{name}+clinicians"))
    User.objects.filter(username=name).update(is_active=False)
    with Journey(installation.address) as later:
        refused = later.get(later.through_openid(later.begin("oidc"), f"{name}+clinicians"))
        assert "Your account here is closed" in refused.text


def test_it_leads_nowhere_else_afterwards(openid: str, journey: Journey, name: str) -> None:
    address = journey.begin("oidc", next="https://elsewhere.test/")
    arrived = journey.get(journey.through_openid(address, f"{name}+clinicians"))
    assert arrived.headers["Location"] == "/"
