"""Signing in by way of a real SAML identity provider, and what attackers bring instead."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from assistant.accounts.models import LinkedIdentity, User
from tests.sign_on.forge import Forger, moment, request_id_of
from tests.sign_on.journey import Journey

Reason = Callable[[httpx.Response], str]


@pytest.fixture
def forger(installation: Any, folder: Path, saml: str) -> Forger:
    """Somebody with the identity provider's key."""
    return Forger(folder, provider=saml, site=installation.address)


@pytest.fixture
def request_id(journey: Journey, saml: str) -> str:
    """A request that this browser has begun."""
    return request_id_of(journey.begin("saml"))


def test_somebody_new_signs_in_and_gets_the_roles_of_their_groups(
    saml: str, journey: Journey, name: str
) -> None:
    address = journey.begin("saml", next="/matters/")
    brought = journey.bring(journey.through_saml(address, f"{name}+clinicians+choir"))
    assert brought.status_code == 303, brought.text
    assert not journey.is_known()
    arrived = journey.get(brought.headers["Location"])
    assert (arrived.status_code, arrived.headers["Location"]) == (302, "/matters/")
    assert journey.is_known()
    user = User.objects.get(username=name)
    assert (user.roles, user.display_name) == (["staff"], name.title())
    identity = LinkedIdentity.objects.using("signin").get(user=user)
    assert (identity.issuer, identity.subject) == (f"{saml}/metadata", f"subject-of-{name}")


def test_only_the_browser_that_began_can_finish(
    saml: str, installation: Any, journey: Journey, name: str, reason_of: Reason
) -> None:
    brought = journey.bring(journey.through_saml(journey.begin("saml"), f"{name}+clinicians"))
    with Journey(installation.address) as victim:
        victim.begin("saml")
        assert reason_of(victim.get(brought.headers["Location"])) == "not_begun_here"
        assert not victim.is_known()
    assert journey.get(brought.headers["Location"]).status_code == 302


def test_a_response_counts_once(
    saml: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    encoded = journey.through_saml(journey.begin("saml"), f"{name}+clinicians")
    assert journey.bring(encoded).status_code == 303
    assert reason_of(journey.bring(encoded)) == "replayed"


def test_what_a_forger_with_the_key_makes_right_is_accepted(
    forger: Forger, request_id: str, journey: Journey, name: str
) -> None:
    """The refusals below are not for a reason of their own."""
    assertion = forger.signed(forger.assertion(request_id, name))
    brought = journey.bring(forger.response(assertion, request=request_id))
    assert brought.status_code == 303, brought.text
    journey.get(brought.headers["Location"])
    assert journey.is_known()


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "another audience": ({"audience": "https://other.test/"}, "wrong_audience"),
    "another issuer": ({"issuer": "https://other.test/"}, "wrong_issuer"),
    "another recipient": ({"recipient": "https://other.test/"}, "wrong_recipient"),
    "expired": ({"ends": moment(-120)}, "expired"),
    "confirmation expired": ({"confirmed_until": moment(-120)}, "expired"),
    "not yet valid": ({"begins": moment(600)}, "expired"),
    "no request": ({"request": ""}, "not_begun_here"),
    "a request of nobody": ({"request": 'InResponseTo="_made-up"'}, "not_begun_here"),
    "a time without a zone": ({"ends": "2099-01-01T00:00:00"}, "malformed"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_assertion_that_is_not_for_us_now_is_refused(
    what: str, forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    changes, reason = WRONG[what]
    assertion = forger.signed(forger.assertion(request_id, name, **changes))
    answers = "" if what in ("no request", "a request of nobody") else request_id
    assert reason_of(journey.bring(forger.response(assertion, request=answers))) == reason
    assert not User.objects.filter(username=name).exists()


def test_a_passing_name_is_no_subject(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    assertion = forger.signed(forger.assertion(request_id, name, format=transient))
    brought = journey.bring(forger.response(assertion, request=request_id))
    assert reason_of(journey.get(brought.headers["Location"])) == "no_subject"


def test_an_unsigned_assertion_is_refused(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    response = forger.response(forger.assertion(request_id, name), request=request_id)
    assert reason_of(journey.bring(response)) == "unsigned"


def test_a_signature_by_another_key_is_refused(
    forger: Forger, folder: Path, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    forger.key, forger.certificate = _another_key()
    assertion = forger.signed(forger.assertion(request_id, name))
    response = forger.response(assertion, request=request_id)
    assert reason_of(journey.bring(response)) == "bad_signature"


def test_a_changed_assertion_is_refused(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    assertion = etree.tostring(forger.signed(forger.assertion(request_id, name))).decode()
    changed = assertion.replace(">clinicians<", ">operators<")
    assert changed != assertion
    response = forger.response(changed, request=request_id)
    assert reason_of(journey.bring(response)) == "bad_signature"


def _wrapped_beside(signed: etree._Element, forged: str) -> list[Any]:
    return [forged, signed]


def _wrapped_within_the_signature(signed: etree._Element, forged: str) -> list[Any]:
    """The forged one carries the signature, and in it the signed one as an object."""
    evil = etree.fromstring(forged)
    signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    assert signature is not None
    signed.remove(signature)
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").append(signed)
    evil.insert(1, signature)
    return [evil]


def _wrapped_in_an_extension(signed: etree._Element, forged: str) -> list[Any]:
    extensions = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    extensions.append(signed)
    return [extensions, forged]


def _signature_moved(signed: etree._Element, forged: str) -> list[Any]:
    """One assertion only: forged content under the signed one's id and signature."""
    evil = etree.fromstring(forged)
    evil.set("ID", str(signed.get("ID")))
    signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    assert signature is not None
    evil.insert(1, signature)
    return [evil]


@pytest.mark.parametrize(
    "wrapped",
    [
        _wrapped_beside,
        _wrapped_within_the_signature,
        _wrapped_in_an_extension,
        _signature_moved,
    ],
)
def test_a_forged_assertion_beside_a_signed_one_is_refused(
    wrapped: Callable[[etree._Element, str], list[Any]],
    forger: Forger,
    request_id: str,
    journey: Journey,
    name: str,
    reason_of: Reason,
) -> None:
    signed = forger.signed(forger.assertion(request_id, name))
    forged = forger.assertion(request_id, "mallory")
    response = forger.response(*wrapped(signed, forged), request=request_id)
    assert reason_of(journey.bring(response)) in ("malformed", "bad_signature")
    assert not journey.is_known()


def test_a_comment_does_not_cut_a_subject_short(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    assertion = forger.assertion(request_id, name, subject="victim<!---->-of-mallory")
    response = forger.response(forger.signed(assertion), request=request_id)
    assert reason_of(journey.bring(response)) == "malformed"


def test_a_weak_signature_is_refused(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    text = etree.tostring(forger.signed(forger.assertion(request_id, name))).decode()
    for strong, weak in (
        (SignatureMethod.RSA_SHA256.value, SignatureMethod.RSA_SHA1.value),
        (DigestAlgorithm.SHA256.value, DigestAlgorithm.SHA1.value),
    ):
        weakened = text.replace(strong, weak)
        assert weakened != text
        response = forger.response(weakened, request=request_id)
        assert reason_of(journey.bring(response)) == "bad_signature"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<not closed",
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>',
        b"<r/>",
        b"<r>" + b"a" * 400_000 + b"</r>",
    ],
    ids=["empty", "broken", "external entity", "entities", "no response", "large"],
)
def test_what_is_no_response_is_refused(
    document: bytes, saml: str, journey: Journey, reason_of: Reason
) -> None:
    assert reason_of(journey.bring(base64.b64encode(document).decode())) == "malformed"


def test_a_response_to_another_site_is_refused(
    forger: Forger, request_id: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    assertion = forger.signed(forger.assertion(request_id, name))
    response = forger.response(assertion, request=request_id, destination="https://other.test/")
    assert reason_of(journey.bring(response)) == "wrong_recipient"


def test_a_response_without_a_request_is_refused(
    forger: Forger, saml: str, journey: Journey, name: str, reason_of: Reason
) -> None:
    assertion = forger.signed(forger.assertion("", name))
    assert reason_of(journey.bring(forger.response(assertion, request=""))) == "not_begun_here"


def test_metadata_says_what_is_wanted(installation: Any) -> None:
    found = etree.fromstring(httpx.get(f"{installation.address}/sign-in/saml/metadata/").content)
    role = found[0]
    assert role.get("WantAssertionsSigned") == "true"
    assert found.get("entityID") == f"{installation.address}/sign-in/saml/metadata/"


def _another_key() -> tuple[bytes, str]:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.sign_on.environment import make_certificate, pem_of

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return pem_of(key), pem_of(make_certificate("identity provider", key)).decode()
