"""Who the SAML identity provider is, from its metadata file, and who we are to it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils import timezone
from lxml import etree

from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.saml_xml import (
    NAMES,
    PERSISTENT,
    POST,
    REDIRECT,
    make,
    parse,
    text_of,
)
from assistant.config import Config
from compliance.events import SignInFailure

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """Whose assertions are believed, signed by which certificates (PEM)."""

    entity_id: str
    address: str
    certificates: tuple[str, ...]
    subject_attribute: str = ""
    name_attribute: str = "uid"
    display_attribute: str = "displayName"
    groups_attribute: str = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """This site, as the identity provider knows it."""

    entity_id: str
    answers_to: str


def provider_of(config: Config) -> IdentityProvider | None:
    """The identity provider in the configuration; None when there is none.

    Raises SignOnRefused when its metadata cannot be used; the log says why.
    """
    if config.saml_metadata_file is None:
        return None
    entity_id, address, certificates = _read(config.saml_metadata_file)
    return IdentityProvider(
        entity_id=entity_id,
        address=address,
        certificates=certificates,
        subject_attribute=config.saml_subject_attribute,
        name_attribute=config.saml_name_attribute,
        display_attribute=config.saml_display_attribute,
        groups_attribute=config.saml_groups_attribute,
    )


def service_metadata(service: Service) -> bytes:
    """Our own metadata, for the identity provider's operator."""
    consumer = make(
        "md:AssertionConsumerService",
        Binding=POST,
        Location=service.answers_to,
        index="0",
        isDefault="true",
    )
    role = make(
        "md:SPSSODescriptor",
        make("md:NameIDFormat", PERSISTENT),
        consumer,
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=NAMES["samlp"],
    )
    entity = make("md:EntityDescriptor", role, entityID=service.entity_id)
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _read(path: Path) -> tuple[str, str, tuple[str, ...]]:
    try:
        root = parse(path.read_bytes())
    except (OSError, SignOnRefused) as error:
        raise _unusable(path, "it cannot be read") from error
    role = root.find("md:IDPSSODescriptor", NAMES)
    until = root.get("validUntil")
    if role is None or not root.get("entityID"):
        raise _unusable(path, "it describes no identity provider")
    if until and datetime.fromisoformat(until) < timezone.now():
        raise _unusable(path, f"it was valid until {until}")
    places = role.findall("md:SingleSignOnService", NAMES)
    address = next((place.get("Location") for place in places if _redirects(place)), None)
    certificates = tuple(
        _pem(text_of(found))
        for key in role.findall("md:KeyDescriptor", NAMES)
        if key.get("use", "signing") == "signing"
        for found in key.iter(f"{{{NAMES['ds']}}}X509Certificate")
    )
    if not address or not certificates:
        raise _unusable(path, "it names no HTTP-Redirect address or no signing certificate")
    return str(root.get("entityID")), address, certificates


def _redirects(place: etree._Element) -> bool:
    return place.get("Binding") == REDIRECT


def _pem(encoded: str) -> str:
    lines = "".join(encoded.split())
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _unusable(path: Path, why: str) -> SignOnRefused:
    logger.error("SAML metadata in %s cannot be used: %s. Get it anew.", path, why)
    return SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE)
