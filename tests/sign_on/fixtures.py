"""The house's servers as fixtures, each started when the first test needs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.installation import Installation
from tests.sign_on import servers
from tests.sign_on.environment import port_of


@pytest.fixture(scope="session")
def folder(installation: Installation) -> Path:
    """Keys and secrets of the house."""
    return Path(os.environ["CLOISTER_HOME"]) / "sign-on"


@pytest.fixture(scope="session")
def openid(installation: Installation, folder: Path) -> Iterator[str]:
    """An OpenID provider; its issuer."""
    port = port_of("CLOISTER_OIDC_ISSUER")
    with servers.openid_provider(folder, port=port, site=installation.address) as issuer:
        yield issuer


@pytest.fixture(scope="session")
def saml(installation: Installation, folder: Path) -> Iterator[str]:
    """A SAML identity provider that knows us by our own metadata."""
    service = httpx.get(f"{installation.address}/sign-in/saml/metadata/").content
    port = port_of("CLOISTER_TEST_SAML")
    with servers.identity_provider(folder, port=port, service=service) as address:
        yield address


@pytest.fixture(scope="session")
def ldap(installation: Installation, folder: Path) -> Iterator[int]:
    """A directory; its port."""
    with servers.slapd(folder, port=port_of("CLOISTER_LDAP_URL")) as port:
        yield port
