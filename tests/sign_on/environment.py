"""The house's own directory as the installation under test is told of it: addresses, keys, files.

The servers themselves start when a test asks for one (tests/integration/signon/conftest.py).
"""

import base64
import os
import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

BASE = "dc=house,dc=test"
ROLES = ";".join(
    [
        "clinicians=staff",
        "librarians=knowledge_manager",
        "operators=administrator",
        f"cn=clinicians,ou=groups,{BASE}=staff",
        f"cn=operators,ou=groups,{BASE}=administrator",
    ]
)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def prepare(home: Path, *, site: str, ports: dict[str, int]) -> dict[str, str]:
    """Write keys, metadata and secrets below `home`; returns the installation's variables."""
    folder = home / "sign-on"
    folder.mkdir(mode=0o700)
    openid = f"http://127.0.0.1:{ports['openid']}"
    _write_tls(folder)
    _write_identity_provider(folder, address=f"http://localhost:{ports['saml']}")
    for name in ("openid", "ldap", "proxy"):
        (folder / f"{name}.secret").write_text(secrets.token_urlsafe(24))
    return {
        "CLOISTER_SIGN_ON_ADDRESS": site,
        "CLOISTER_SIGN_ON_CREATES": "true",
        "CLOISTER_SIGN_ON_ROLES": ROLES,
        "CLOISTER_SIGN_ON_SECOND_FACTOR": "certificate, mfa",
        "CLOISTER_OIDC_ISSUER": openid,
        "CLOISTER_OIDC_CLIENT_ID": "cloister",
        "CLOISTER_OIDC_CLIENT_SECRET_FILE": str(folder / "openid.secret"),
        "CLOISTER_OIDC_LABEL": "the clinic's account",
        "CLOISTER_SAML_METADATA_FILE": str(folder / "idp.xml"),
        # Another site to a browser, which then posts its response without our cookies.
        "CLOISTER_TEST_SAML": f"http://localhost:{ports['saml']}",
        "CLOISTER_SAML_LABEL": "the firm's account",
        "CLOISTER_LDAP_URL": f"ldap://localhost:{ports['ldap']}",
        "CLOISTER_LDAP_CA_FILE": str(folder / "ca.pem"),
        "CLOISTER_LDAP_BASE": f"ou=people,{BASE}",
        "CLOISTER_LDAP_BIND_NAME": f"cn=reader,{BASE}",
        "CLOISTER_LDAP_BIND_PASSWORD_FILE": str(folder / "ldap.secret"),
        "CLOISTER_LDAP_GROUPS_BASE": f"ou=groups,{BASE}",
        "CLOISTER_CERTIFICATE_PROXIES": "127.0.0.1",
        "CLOISTER_CERTIFICATE_SECRET_FILE": str(folder / "proxy.secret"),
        "CLOISTER_SCIM_ISSUER": openid,
    }


def port_of(variable: str) -> int:
    """The port in an address of the installation's environment."""
    return urlsplit(os.environ[variable]).port or 0


def make_certificate(
    subject: str,
    key: Key,
    *,
    issuer: tuple[str, Key] | None = None,
    names: tuple[str, ...] = (),
    days: int = 2,
) -> x509.Certificate:
    """A certificate for these host names, signed by `issuer` or by itself."""
    issuer_name, issuer_key = issuer or (subject, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if names:
        alternatives = [_alternative(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem_of(thing: x509.Certificate | Key) -> bytes:
    """A certificate or an unencrypted key as PEM."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    return thing.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    if name[0].isdigit():
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)


def _write_tls(folder: Path) -> None:
    """An authority, and the directory server's certificate from it."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(
        ec.SECP256R1()
    )
    root = make_certificate("House authority", authority)
    leaf = make_certificate(
        "localhost", server, issuer=("House authority", authority), names=("localhost",)
    )
    (folder / "ca.pem").write_bytes(pem_of(root))
    (folder / "ldap.pem").write_bytes(pem_of(leaf))
    (folder / "ldap.key").write_bytes(pem_of(server))


def _write_identity_provider(folder: Path, *, address: str) -> None:
    """Key, certificate and metadata of the SAML identity provider."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = make_certificate("identity provider", key)
    (folder / "idp.key").write_bytes(pem_of(key))
    (folder / "idp.pem").write_bytes(pem_of(certificate))
    der = certificate.public_bytes(serialization.Encoding.DER)
    (folder / "idp.xml").write_text(
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' entityID="{address}/metadata"><md:IDPSSODescriptor'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:KeyDescriptor use="signing">'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{base64.b64encode(der).decode()}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
        f' Location="{address}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    )
