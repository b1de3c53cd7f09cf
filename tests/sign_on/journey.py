"""Somebody at a browser who goes to a provider and comes back."""

import re
from html import unescape

import httpx

from tests.visitor import Visitor

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_ACTION = re.compile(r'<form[^>]*action="([^"]+)"')


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

    def is_known(self) -> bool:
        """Whether the site knows who this is: it shows their pages, or asks for a second factor."""
        page = self.http.get("/account/")
        return page.status_code == 200 or page.headers["Location"].startswith("/second-factor/")

    def is_signed_in(self) -> bool:
        """Whether the site shows this person's pages."""
        return self.http.get("/account/").status_code == 200
