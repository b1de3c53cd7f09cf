"""SAML responses as an attacker would make them, with or without the provider's key."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def request_id_of(address: str) -> str:
    """The id of the request in the address that the site sends a browser to."""
    encoded = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
    request = etree.fromstring(zlib.decompress(base64.b64decode(encoded), -15))
    return str(request.get("ID"))


def moment(seconds: float) -> str:
    """A time so many seconds from now, as SAML writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Forger:
    """Makes responses with the identity provider's own key; each part can be made wrong."""

    def __init__(self, folder: Path, *, provider: str, site: str) -> None:
        self.key = (folder / "idp.key").read_bytes()
        self.certificate = (folder / "idp.pem").read_text()
        self.provider = f"{provider}/metadata"
        self.site = site
        self.answers_to = f"{site}/sign-in/saml/response/"

    def assertion(self, request: str, name: str, /, **changes: str) -> str:
        """An assertion that is right but for the changes."""
        parts = {
            "id": "_" + uuid4().hex,
            "issuer": self.provider,
            "audience": f"{self.site}/sign-in/saml/metadata/",
            "recipient": self.answers_to,
            "begins": moment(-30),
            "ends": moment(300),
            "confirmed_until": moment(300),
            "request": f'InResponseTo="{request}"' if request else "",
            "format": PERSISTENT,
            "subject": f"subject-of-{name}",
        } | changes
        return (
            f'<saml:Assertion xmlns:saml="{SAML}" ID="{parts["id"]}" Version="2.0"'
            f' IssueInstant="{moment(0)}"><saml:Issuer>{parts["issuer"]}</saml:Issuer>'
            f'<saml:Subject><saml:NameID Format="{parts["format"]}">{parts["subject"]}'
            "</saml:NameID><saml:SubjectConfirmation"
            ' Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
            f' {parts["request"]} Recipient="{parts["recipient"]}"'
            f' NotOnOrAfter="{parts["confirmed_until"]}"/></saml:SubjectConfirmation>'
            f'</saml:Subject><saml:Conditions NotBefore="{parts["begins"]}"'
            f' NotOnOrAfter="{parts["ends"]}"><saml:AudienceRestriction><saml:Audience>'
            f'{parts["audience"]}</saml:Audience></saml:AudienceRestriction></saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{moment(0)}"><saml:AuthnContext>'
            "<saml:AuthnContextClassRef>password</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>"
            '<saml:Attribute Name="groups"><saml:AttributeValue>clinicians</saml:AttributeValue>'
            '</saml:Attribute><saml:Attribute Name="uid"><saml:AttributeValue>'
            f"{name}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
            "</saml:Assertion>"
        )

    def signed(self, assertion: str) -> etree._Element:
        """The assertion with a signature by the provider's key."""
        root = etree.fromstring(assertion)
        signer = XMLSigner(
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        )
        return signer.sign(
            root,
            key=self.key,
            cert=self.certificate,
            reference_uri=root.get("ID"),
            id_attribute="ID",
        )

    def response(self, *children: etree._Element | str, request: str, **changes: str) -> str:
        """A response around these elements, encoded."""
        parts = {"destination": self.answers_to, "issuer": self.provider} | changes
        inside = "".join(
            child if isinstance(child, str) else etree.tostring(child).decode()
            for child in children
        )
        answers = f'InResponseTo="{request}"' if request else ""
        document = (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_{uuid4().hex}"'
            f' Version="2.0" IssueInstant="{moment(0)}" {answers}'
            f' Destination="{parts["destination"]}"><saml:Issuer>{parts["issuer"]}</saml:Issuer>'
            '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>'
            f"</samlp:Status>{inside}</samlp:Response>"
        )
        return base64.b64encode(document.encode()).decode()
