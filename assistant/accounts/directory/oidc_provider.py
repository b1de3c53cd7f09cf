"""An OpenID provider on the house's network: where it is, its keys, and codes for tokens.

What it says of itself (OpenID Connect Discovery 1.0) is kept for an hour; its keys are fetched
again when a token names one that is not known.
"""

import json
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from assistant.accounts.directory.errors import SignOnRefused
from assistant.config import Config
from compliance.events import SignInFailure

SECONDS = 5.0
LARGEST_ANSWER = 500_000
KEPT_SECONDS = 3600.0
KEYS_AGAIN_AFTER_SECONDS = 30.0
HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The provider this installation trusts, and what its claims are called."""

    issuer: str
    client_id: str
    client_secret: str = ""
    ca_file: Path | None = None
    scopes: str = "openid profile"
    subject_claim: str = "sub"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What a provider says of itself, as far as it is used here."""

    authorization: str
    token: str
    keys: str
    userinfo: str = ""


def provider_of(config: Config) -> Provider | None:
    """The provider in the configuration; None when there is none."""
    if not config.oidc_issuer:
        return None
    secret = config.oidc_client_secret_file
    return Provider(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=secret.read_text().strip() if secret else "",
        ca_file=config.oidc_ca_file,
        scopes=config.oidc_scopes,
        subject_claim=config.oidc_subject_claim,
        name_claim=config.oidc_name_claim,
        groups_claim=config.oidc_groups_claim,
    )


_endpoints: dict[Provider, tuple[float, Endpoints]] = {}
_keys: dict[Provider, tuple[float, KeySet]] = {}


def endpoints(provider: Provider) -> Endpoints:
    """Where the provider is asked for what; raises SignOnRefused when it does not tell."""
    at, found = _endpoints.get(provider, (0.0, None))
    if found is None or time.monotonic() - at > KEPT_SECONDS:
        found = _discovered(provider)
        _endpoints[provider] = (time.monotonic(), found)
    return found


def keys(provider: Provider, *, key_id: str | None) -> KeySet:
    """The provider's public keys, fetched again when `key_id` is not among them."""
    at, found = _keys.get(provider, (0.0, None))
    age = time.monotonic() - at
    is_known = found is not None and (
        key_id is None or any(key.kid == key_id for key in found.keys)
    )
    if found is None or age > KEPT_SECONDS or (not is_known and age > KEYS_AGAIN_AFTER_SECONDS):
        found = _public_keys(_json(provider, "GET", endpoints(provider).keys))
        _keys[provider] = (time.monotonic(), found)
    return found


def tokens_for(provider: Provider, *, code: str, verifier: str, redirect: str) -> dict[str, Any]:
    """Exchange a code for tokens (RFC 6749 4.1.3, RFC 7636 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": verifier,
        "client_id": provider.client_id,
    }
    secret = (provider.client_id, provider.client_secret) if provider.client_secret else None
    return _json(provider, "POST", endpoints(provider).token, data=form, auth=secret)


def userinfo(provider: Provider, *, access_token: str) -> dict[str, Any]:
    """What the provider tells of the person beside the ID token; empty when it has no such door."""
    address = endpoints(provider).userinfo
    if not address or not access_token:
        return {}
    headers = {"Authorization": f"Bearer {access_token}"}
    return _json(provider, "GET", address, headers=headers)


def _discovered(provider: Provider) -> Endpoints:
    address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    said = _json(provider, "GET", address)
    if said.get("issuer") != provider.issuer:
        raise SignOnRefused(SignInFailure.WRONG_ISSUER)
    found = Endpoints(
        authorization=str(said.get("authorization_endpoint", "")),
        token=str(said.get("token_endpoint", "")),
        keys=str(said.get("jwks_uri", "")),
        userinfo=str(said.get("userinfo_endpoint") or ""),
    )
    if not all(map(_is_safe, (found.authorization, found.token, found.keys))):
        raise SignOnRefused(SignInFailure.MALFORMED)
    return found


def _public_keys(said: dict[str, Any]) -> KeySet:
    """Signing keys with a public half; a shared secret among them would let anybody sign."""
    public = [
        key
        for key in said.get("keys", [])
        if isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": public})
    except (JoseError, ValueError, TypeError) as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error


def _is_safe(address: str) -> bool:
    """TLS, or a server on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)


def _json(provider: Provider, method: str, address: str, **more: Any) -> dict[str, Any]:
    """Ask the provider, without redirects and proxies, and read a JSON object."""
    if not _is_safe(address):
        raise SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE)
    cafile = str(provider.ca_file) if provider.ca_file else None
    trusted = ssl.create_default_context(cafile=cafile)
    try:
        with httpx.Client(verify=trusted, timeout=SECONDS, trust_env=False) as client:
            with client.stream(method, address, **more) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise SignOnRefused(SignInFailure.MALFORMED)
    except httpx.HTTPError as error:
        raise SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE) from error
    if response.status_code >= 500:
        raise SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE)
    if response.status_code != 200:
        raise SignOnRefused(SignInFailure.PROVIDER_REFUSED)
    try:
        said = json.loads(body)
    except ValueError as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    if not isinstance(said, dict):
        raise SignOnRefused(SignInFailure.MALFORMED)
    return said
