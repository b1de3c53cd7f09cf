"""The house's servers, started when a test needs one, and somebody at a browser going to them."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.conftest import HOME, SIGN_ON_PORTS
from tests.installation import Installation
from tests.sign_on import servers
from tests.visitor import Visitor

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_ACTION = re.compile(r'<form[^>]*action="([^"]+)"')


@pytest.fixture(scope="session")
def folder(installation: Installation) -> Path:
    """Keys and secrets of the house."""
    return HOME / "sign-on"


@pytest.fixture(scope="session")
def openid(installation: Installation, folder: Path) -> Iterator[str]:
    """An OpenID provider; its issuer."""
    port = SIGN_ON_PORTS["openid"]
    with servers.openid_provider(folder, port=port, site=installation.address) as issuer:
        yield issuer


@pytest.fixture(scope="session")
def saml(installation: Installation, folder: Path) -> Iterator[str]:
    """A SAML identity provider that knows us by our own metadata."""
    service = httpx.get(f"{installation.address}/sign-in/saml/metadata/").content
    with servers.identity_provider(folder, port=SIGN_ON_PORTS["saml"], service=service) as found:
        yield found


@pytest.fixture(scope="session")
def ldap(installation: Installation, folder: Path) -> Iterator[int]:
    """A directory; its port."""
    with servers.slapd(folder, port=SIGN_ON_PORTS["ldap"]) as port:
        yield port


class Journey(Visitor):
    """A browser that goes to providers and comes back."""

    def begin(self, way: str, **query: str) -> str:
        """Press the button; returns where the site sends the browser."""
        response = self.http.get(f"/sign-in/{way}/", params=query)
        assert response.status_code == 302, response.text
        return response.headers["Location"]

    def through_openid(self, address: str, login: str) -> str:
        """Sign in and consent at the provider; returns the address that leads back to the site."""
        response = self.http.get(address)
        for _ in range(8):
            if response.status_code in (302, 303):
                address = str(httpx.URL(address).join(response.headers["Location"]))
                if address.startswith(self.address):
                    return address
                response = self.http.get(address)
                continue
            found = _ACTION.search(response.text)
            assert found, response.text
            address = str(httpx.URL(address).join(unescape(found.group(1))))
            fields = {name: unescape(value) for name, value in _HIDDEN.findall(response.text)}
            response = self.http.post(address, data={**fields, "login": login, "password": "any"})
        raise AssertionError("the provider did not send the browser back")

    def through_saml(self, address: str, login: str) -> str:
        """Sign in at the identity provider; returns the response that it would post to the site."""
        page = self.http.post(address, data={"login": login})
        fields = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        return fields["SAMLResponse"]

    def bring(self, encoded: str) -> httpx.Response:
        """Post a response as an identity provider's page does: from there, without our cookie."""
        bare = httpx.Client(base_url=self.address, follow_redirects=False, timeout=30)
        with bare:
            return bare.post(
                "/sign-in/saml/response/",
                data={"SAMLResponse": encoded},
                headers={"Origin": "null"},
            )

    @property
    def is_signed_in(self) -> bool:
        return self.http.get("/account/").status_code == 200


@pytest.fixture
def journey(installation: Installation) -> Iterator[Journey]:
    """A browser that nobody has used yet."""
    with Journey(installation.address) as journey:
        yield journey


@pytest.fixture
def name() -> str:
    """A name that nobody else has."""
    return f"erin-{uuid4().hex[:8]}"
