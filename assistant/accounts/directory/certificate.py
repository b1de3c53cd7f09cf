"""Signing in with a client certificate that the web server in front has checked.

The web server asks the browser for a certificate, verifies it against the house's authority, and
passes it on in headers. Headers can be written by anybody who reaches us, so they count only from
the configured addresses and with a secret that only those web servers have.

    X-Client-Verify: SUCCESS                    nginx: $ssl_client_verify
    X-Client-Certificate: URL-encoded PEM       nginx: $ssl_client_escaped_cert
    X-Proxy-Secret: the shared secret
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cryptography import x509
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed, Way
from assistant.config import Config
from compliance.events import SignInFailure

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LARGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The web servers that are believed: where they are, and what they know."""

    networks: tuple[Network, ...]
    secret: str


def proxies_of(config: Config) -> Proxies | None:
    """The web servers in the configuration; None when there are none, or no secret."""
    secret = config.certificate_secret_file
    if not config.certificate_proxies or secret is None:
        return None
    addresses = config.certificate_proxies.split(",")
    return Proxies(
        networks=tuple(ipaddress.ip_network(address.strip()) for address in addresses),
        secret=secret.read_text().strip(),
    )


def sign_in(proxies: Proxies, *, address: str, headers: Mapping[str, str]) -> Claimed:
    """Whom the certificate in the headers belongs to.

    `address` is the other end of the connection itself. Raises SignOnRefused.
    """
    if not _is_from(proxies, address, headers.get("X-Proxy-Secret", "")):
        raise SignOnRefused(SignInFailure.NOT_FROM_PROXY)
    encoded = headers.get("X-Client-Certificate", "")
    if headers.get("X-Client-Verify") != "SUCCESS" or not encoded or len(encoded) > LARGEST:
        raise SignOnRefused(SignInFailure.NO_CERTIFICATE)
    try:
        certificate = x509.load_pem_x509_certificate(unquote(encoded).encode())
    except ValueError as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    if not certificate.not_valid_before_utc <= timezone.now() <= certificate.not_valid_after_utc:
        raise SignOnRefused(SignInFailure.EXPIRED)
    return Claimed(
        way=Way.CERTIFICATE,
        issuer=f"certificate:{certificate.issuer.rfc4514_string()}",
        subject=certificate.subject.rfc4514_string(),
        display_name=_common_name(certificate),
        factors=(Way.CERTIFICATE.value,),
    )


def _is_from(proxies: Proxies, address: str, secret: str) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    is_theirs = any(peer in network for network in proxies.networks)
    knows = bool(proxies.secret) and constant_time_compare(secret, proxies.secret)
    return is_theirs and knows


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
