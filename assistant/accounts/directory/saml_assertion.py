"""Finds the one signed assertion in a SAML response, and reads only what the signature covers.

Signature wrapping hides a forged assertion beside a signed one, so that one is verified and the
other read. Here a response with two assertions, or two elements of one id, is refused; the
signature is verified over the assertion cut out of the response; and what is read afterwards is
the very bytes that were verified.
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidInput, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.saml_metadata import IdentityProvider, Service
from assistant.accounts.directory.saml_xml import NAMES, parse, tag, text_of
from compliance.events import SignInFailure

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
TRANSFORMS = {
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
}
TRUSTED = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset(
        {
            SignatureMethod.RSA_SHA256,
            SignatureMethod.RSA_SHA384,
            SignatureMethod.RSA_SHA512,
            SignatureMethod.ECDSA_SHA256,
            SignatureMethod.ECDSA_SHA384,
            SignatureMethod.ECDSA_SHA512,
        }
    ),
    digest_algorithms=frozenset(
        {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
    ),
    ignore_ambiguous_key_info=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A signed assertion, and the request that its response says it answers, if it says so."""

    assertion: etree._Element
    answers: str | None


def received(provider: IdentityProvider, service: Service, encoded: str) -> Received:
    """The signed assertion of a response to us; raises SignOnRefused."""
    try:
        root = parse(b64decode("".join(encoded.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    _check_response(provider, service, root)
    assertion = _only_assertion(root)
    return Received(assertion=_signed(provider, assertion), answers=root.get("InResponseTo"))


def _check_response(
    provider: IdentityProvider, service: Service, root: etree._Element
) -> None:
    if root.tag != tag("samlp:Response") or root.get("Version") != "2.0":
        raise SignOnRefused(SignInFailure.MALFORMED)
    if root.get("Destination", service.answers_to) != service.answers_to:
        raise SignOnRefused(SignInFailure.WRONG_RECIPIENT)
    issuer = root.find("saml:Issuer", NAMES)
    if issuer is not None and text_of(issuer) != provider.entity_id:
        raise SignOnRefused(SignInFailure.WRONG_ISSUER)
    status = root.find("samlp:Status/samlp:StatusCode", NAMES)
    if status is None or status.get("Value") != SUCCESS:
        raise SignOnRefused(SignInFailure.PROVIDER_REFUSED)


def _only_assertion(root: etree._Element) -> etree._Element:
    """The response's one assertion, where it belongs, under an id that nothing else has."""
    assertions = list(root.iter(tag("saml:Assertion")))
    ids = [element.get("ID") for element in root.iter() if element.get("ID") is not None]
    hidden = next(root.iter(tag("saml:EncryptedAssertion")), None)
    if len(assertions) != 1 or hidden is not None or len(ids) != len(set(ids)):
        raise SignOnRefused(SignInFailure.MALFORMED)
    assertion = assertions[0]
    if assertion.getparent() is not root or not assertion.get("ID"):
        raise SignOnRefused(SignInFailure.MALFORMED)
    signatures = list(root.iter(tag("ds:Signature")))
    if any(signature.getparent() not in (root, assertion) for signature in signatures):
        raise SignOnRefused(SignInFailure.MALFORMED)
    return assertion


def _signed(provider: IdentityProvider, assertion: etree._Element) -> etree._Element:
    """The assertion as it was signed."""
    alone = parse(etree.tostring(assertion, with_tail=False))
    references = alone.findall("ds:Signature/ds:SignedInfo/ds:Reference", NAMES)
    if not references:
        raise SignOnRefused(SignInFailure.UNSIGNED)
    applied = {each.get("Algorithm") for each in references[0].iter(tag("ds:Transform"))}
    is_plain = len(references) == 1 and references[0].get("URI") == f"#{alone.get('ID')}"
    if not is_plain or not applied <= TRANSFORMS:
        raise SignOnRefused(SignInFailure.BAD_SIGNATURE)
    for certificate in provider.certificates:
        verified = _verified(alone, certificate)
        if verified is not None and verified.get("ID") == alone.get("ID"):
            return verified
    raise SignOnRefused(SignInFailure.BAD_SIGNATURE)


def _verified(alone: etree._Element, certificate: str) -> etree._Element | None:
    try:
        result = XMLVerifier().verify(
            alone, x509_cert=certificate, id_attribute="ID", expect_config=TRUSTED
        )
    except (SignXMLException, InvalidInput, ValueError):
        return None
    found = result.signed_xml if not isinstance(result, list) else None
    return found if found is not None and found.tag == tag("saml:Assertion") else None
