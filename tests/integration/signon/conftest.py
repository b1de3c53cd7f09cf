"""The house's servers, started when a test needs one, and somebody at a browser going to them."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.installation import Installation
from tests.sign_on import servers
from tests.sign_on.environment import port_of
from tests.sign_on.journey import Journey


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


@pytest.fixture
def journey(installation: Installation) -> Iterator[Journey]:
    """A browser that nobody has used yet."""
    with Journey(installation.address) as journey:
        yield journey


@pytest.fixture
def name() -> str:
    """A name that nobody else has."""
    return f"erin-{uuid4().hex[:8]}"


@pytest.fixture
def reason_of(superuser: Callable[..., list[tuple[Any, ...]]]) -> Callable[[httpx.Response], str]:
    """Why the record says that a sign-in was refused, by the reference on the page."""

    def look_up(page: httpx.Response) -> str:
        assert page.status_code == 403, (page.status_code, page.text[:500])
        reference = page.text.split("Reference <code>")[1].split("<")[0]
        rows = superuser(
            "select header from compliance_event where request = %s"
            " and type = 'account.sign_in_failed'",
            [reference],
        )
        return str(json.loads(bytes(rows[0][0]))["fields"]["reason"])

    return look_up
