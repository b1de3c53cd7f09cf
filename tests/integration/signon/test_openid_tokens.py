"""Every claim of an ID token is checked: a provider that lies is found out, by its reason."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from assistant.accounts.directory import oidc, oidc_provider
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed
from assistant.accounts.directory.oidc_provider import Provider
from assistant.accounts.models import SignOnAttempt
from tests.sign_on.lying_provider import CLIENT, LyingProvider, lying_provider

RETURN = "http://127.0.0.1/return/"


@pytest.fixture
def liar(database: Any) -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


class Attempt:
    """A sign-in that was begun at the provider."""

    def __init__(self, liar: LyingProvider, **settings: Any) -> None:
        self.provider = Provider(issuer=liar.address, client_id=CLIENT, **settings)
        address = oidc.begin(self.provider, redirect=RETURN, browser="browser", wanted="")
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        self.state, self.nonce = asked["state"], asked["nonce"]

    def finish(self, **answer: str) -> Claimed:
        _, claimed = oidc.finish(
            self.provider,
            {"code": "any", "state": self.state, **answer},
            redirect=RETURN,
            browser="browser",
        )
        return claimed


def test_a_right_token_is_accepted(liar: LyingProvider) -> None:
    """The refusals below are not for a reason of their own."""
    attempt = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(attempt.nonce, amr=["pwd", "mfa"]))
    claimed = attempt.finish()
    assert (claimed.issuer, claimed.subject) == (liar.address, "subject")
    assert (claimed.username, claimed.groups) == ("erin", ("clinicians",))
    assert "mfa" in claimed.factors


NOW = int(time.time())
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://other.test"}, "wrong_issuer"),
    "another audience": ({"aud": "somebody else"}, "wrong_audience"),
    "no audience": ({"aud": None}, "wrong_audience"),
    "two audiences and no party": ({"aud": [CLIENT, "other"]}, "wrong_audience"),
    "another party": ({"aud": [CLIENT, "other"], "azp": "other"}, "wrong_audience"),
    "expired": ({"exp": NOW - 120}, "expired"),
    "no expiry": ({"exp": None}, "malformed"),
    "old": ({"iat": NOW - 3600}, "expired"),
    "from the future": ({"iat": NOW + 3600}, "expired"),
    "not yet": ({"nbf": NOW + 3600}, "expired"),
    "a time in words": ({"exp": "tomorrow"}, "malformed"),
    "another nonce": ({"nonce": "guessed"}, "wrong_nonce"),
    "no nonce": ({"nonce": None}, "wrong_nonce"),
    "no subject": ({"sub": None}, "no_subject"),
    "a subject of numbers": ({"sub": 7}, "no_subject"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_not_for_us_now_is_refused(what: str, liar: LyingProvider) -> None:
    changes, reason = WRONG[what]
    attempt = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(attempt.nonce, **changes))
    with pytest.raises(SignOnRefused, match=f"^{reason}$"):
        attempt.finish()


def test_a_party_that_is_us_makes_two_audiences_right(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(attempt.nonce, aud=[CLIENT, "other"], azp=CLIENT))
    assert attempt.finish().subject == "subject"


def _encoded(*parts: dict[str, Any]) -> bytes:
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return b".".join(part.rstrip(b"=") for part in encoded)


def test_a_token_without_a_signature_is_refused(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    unsigned = _encoded({"alg": "none"}, liar.claims(attempt.nonce)) + b"."
    liar.id_token = unsigned.decode()
    with pytest.raises(SignOnRefused, match="bad_signature"):
        attempt.finish()


def test_the_public_key_is_no_shared_secret(liar: LyingProvider) -> None:
    """HS256 with the public key as its secret, the oldest trick on libraries."""
    attempt = Attempt(liar)
    secret = liar.key.as_pem(private=False)
    signed = _encoded({"alg": "HS256", "kid": "first"}, liar.claims(attempt.nonce))
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    liar.id_token = (signed + b"." + mac).decode()
    with pytest.raises(SignOnRefused, match="bad_signature"):
        attempt.finish()


def test_a_shared_secret_among_the_keys_is_not_used(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    secret = OctKey.generate_key(256, {"kid": "secret"})
    liar.keys.append(secret.as_dict(private=True))
    liar.id_token = liar.signed(liar.claims(attempt.nonce), key=secret, alg="HS256", kid="secret")
    with pytest.raises(SignOnRefused, match="bad_signature"):
        attempt.finish()


def test_a_key_that_the_provider_does_not_publish_signs_nothing(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    other = RSAKey.generate_key(2048, {"kid": "first"})
    liar.id_token = liar.signed(liar.claims(attempt.nonce), key=other)
    with pytest.raises(SignOnRefused, match="bad_signature"):
        attempt.finish()


def test_a_new_key_is_fetched(liar: LyingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(first.nonce))
    first.finish()
    monkeypatch.setattr(oidc_provider, "KEYS_AGAIN_AFTER_SECONDS", 0.0)
    new = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    liar.keys.append(new.as_dict(private=False))
    second = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(second.nonce), key=new, kid="second")
    assert second.finish().subject == "subject"


def test_a_provider_that_calls_itself_another_is_refused(liar: LyingProvider) -> None:
    liar.discovery["issuer"] = "https://other.test"
    with pytest.raises(SignOnRefused, match="wrong_issuer"):
        Attempt(liar)


def test_an_answer_that_names_another_issuer_is_refused(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    with pytest.raises(SignOnRefused, match="wrong_issuer"):
        attempt.finish(iss="https://other.test")


def test_doors_without_tls_elsewhere_are_not_used(liar: LyingProvider) -> None:
    liar.discovery["token_endpoint"] = "http://other.test/token"
    with pytest.raises(SignOnRefused, match="malformed"):
        Attempt(liar)


def test_a_provider_that_hangs_is_given_up(
    liar: LyingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_provider, "SECONDS", 0.2)
    liar.delay_seconds = 0.6
    with pytest.raises(SignOnRefused, match="provider_unavailable"):
        Attempt(liar)


def test_an_attempt_lasts_ten_minutes(liar: LyingProvider) -> None:
    attempt = Attempt(liar)
    liar.id_token = liar.signed(liar.claims(attempt.nonce))
    from datetime import timedelta

    from django.db.models import F

    waiting = SignOnAttempt.objects.using("signin").filter(nonce=attempt.nonce)
    waiting.update(expires_at=F("expires_at") - timedelta(minutes=10))
    with pytest.raises(SignOnRefused, match="not_begun_here"):
        attempt.finish()
