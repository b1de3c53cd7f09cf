"""Signing in with a client certificate that the web server in front has checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction

from assistant.accounts.directory import accounts
from assistant.accounts.models import Stranger
from compliance.events import Context
from tests.people import make_person
from tests.sign_on.environment import make_certificate, pem_of
from tests.sign_on.journey import Journey

AUTHORITY = ec.generate_private_key(ec.SECP256R1())
KEY = ec.generate_private_key(ec.SECP256R1())
Reason = Callable[[httpx.Response], str]


def headers_for(name: str, secret: str, *, days: int = 2) -> dict[str, str]:
    """What a web server passes on that has checked the certificate of `name`."""
    certificate = make_certificate(name, KEY, issuer=("Card authority", AUTHORITY), days=days)
    return {
        "X-Client-Verify": "SUCCESS",
        "X-Client-Certificate": quote(pem_of(certificate).decode()),
        "X-Proxy-Secret": secret,
    }


@pytest.fixture
def secret(folder: Path) -> str:
    return (folder / "proxy.secret").read_text()


@pytest.fixture
def holder(database: Any, name: str) -> str:
    """Somebody with an account, linked to the subject of their card."""
    person = make_person("holder")
    with transaction.atomic(using="signin"):
        accounts.link(
            Context(),
            person.user,
            issuer="certificate:CN=Card authority",
            subject=f"CN={name}",
            way="test",
        )
    return name


def show(journey: Journey, headers: dict[str, str]) -> httpx.Response:
    journey.http.headers.update(headers)
    return journey.post("/sign-in/certificate/", {})


def test_the_holder_of_a_card_signs_in(journey: Journey, holder: str, secret: str) -> None:
    assert show(journey, headers_for(holder, secret)).status_code == 302
    assert journey.is_signed_in()


WITHOUT = {
    "no secret": {"X-Proxy-Secret": ""},
    "a wrong secret": {"X-Proxy-Secret": "guessed"},
}


@pytest.mark.parametrize("what", WITHOUT)
def test_headers_without_the_secret_are_not_believed(
    what: str, journey: Journey, holder: str, secret: str, reason_of: Reason
) -> None:
    headers = headers_for(holder, secret) | WITHOUT[what]
    assert reason_of(show(journey, headers)) == "not_from_proxy"


def test_headers_from_another_address_are_not_believed(
    installation: Any, journey: Journey, holder: str, secret: str, reason_of: Reason
) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    journey.http = httpx.Client(
        base_url=installation.address, transport=elsewhere, timeout=30, follow_redirects=False
    )
    headers = headers_for(holder, secret) | {"X-Forwarded-For": "127.0.0.1"}
    assert reason_of(show(journey, headers)) == "not_from_proxy"


@pytest.mark.parametrize("verified", ["NONE", "FAILED:unable to verify", ""])
def test_a_certificate_that_was_not_verified_is_none(
    verified: str, journey: Journey, holder: str, secret: str, reason_of: Reason
) -> None:
    headers = headers_for(holder, secret) | {"X-Client-Verify": verified}
    assert reason_of(show(journey, headers)) == "no_certificate"


def test_an_expired_certificate_is_refused(
    journey: Journey, holder: str, secret: str, reason_of: Reason
) -> None:
    assert reason_of(show(journey, headers_for(holder, secret, days=-1))) == "expired"


def test_a_certificate_of_nobody_waits_to_be_linked(
    journey: Journey, name: str, secret: str, reason_of: Reason
) -> None:
    assert reason_of(show(journey, headers_for(name, secret))) == "not_linked"
    stranger = Stranger.objects.using("signin").get(subject=f"CN={name}")
    assert stranger.issuer == "certificate:CN=Card authority"
