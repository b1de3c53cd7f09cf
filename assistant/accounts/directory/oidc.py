"""Signing in with OpenID Connect: authorization code with PKCE, every claim checked.

OpenID Connect Core 1.0, 3.1.2 and 3.1.3.7; RFC 7636 (S256).
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.crypto import constant_time_compare
from joserfc import jwt
from joserfc.errors import JoseError

from assistant.accounts.directory import attempts
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed, Way
from assistant.accounts.directory.oidc_provider import (
    Provider,
    endpoints,
    keys,
    tokens_for,
    userinfo,
)
from assistant.accounts.models import SignOnAttempt
from compliance.events import SignInFailure

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SKEW_SECONDS = 60
OLDEST_SECONDS = 600
"""An ID token is issued for this sign-in, which lasts ten minutes at most."""


def begin(provider: Provider, *, redirect: str, browser: str, wanted: str) -> str:
    """Begin a sign-in; returns the provider's address to send the browser to."""
    address = endpoints(provider).authorization
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    attempts.begin(
        Way.OIDC, state=state, browser=browser, wanted=wanted, nonce=nonce, verifier=verifier
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect,
        "scope": provider.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return address + ("&" if urlsplit(address).query else "?") + urlencode(asked)


def finish(
    provider: Provider, answer: Mapping[str, str], *, redirect: str, browser: str
) -> tuple[SignOnAttempt, Claimed]:
    """Read a provider's answer; returns the attempt and whom it has proven.

    Raises SignOnRefused with the reason.
    """
    attempt = attempts.answered(Way.OIDC, state=answer.get("state", ""), browser=browser)
    # RFC 9207: a provider that names itself must be the one that was asked.
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise SignOnRefused(SignInFailure.WRONG_ISSUER)
    if "error" in answer or not answer.get("code"):
        raise SignOnRefused(SignInFailure.PROVIDER_REFUSED)
    tokens = tokens_for(
        provider, code=answer["code"], verifier=attempt.verifier, redirect=redirect
    )
    claims = checked(provider, str(tokens.get("id_token", "")), nonce=attempt.nonce)
    told = claims
    if not {provider.groups_claim, provider.name_claim} - {""} <= claims.keys():
        more = userinfo(provider, access_token=str(tokens.get("access_token", "")))
        if more and more.get("sub") != claims["sub"]:
            raise SignOnRefused(SignInFailure.MALFORMED)
        told = more | claims
    return attempt, claimed(provider, told)


def checked(provider: Provider, token: str, *, nonce: str) -> dict[str, Any]:
    """The claims of an ID token that was made by this provider, for us, for this sign-in, now.

    Raises SignOnRefused.
    """
    try:
        header = jwt.decode(token, lambda guest: _keys_for(provider, guest), algorithms=ALGORITHMS)
    except JoseError as error:
        raise SignOnRefused(SignInFailure.BAD_SIGNATURE) from error
    except ValueError as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    claims: dict[str, Any] = header.claims
    if claims.get("iss") != provider.issuer:
        raise SignOnRefused(SignInFailure.WRONG_ISSUER)
    _check_audience(provider, claims)
    _check_times(claims)
    if not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise SignOnRefused(SignInFailure.WRONG_NONCE)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise SignOnRefused(SignInFailure.NO_SUBJECT)
    return claims


def claimed(provider: Provider, claims: Mapping[str, Any]) -> Claimed:
    """What the claims say of a person, in our words."""
    groups = claims.get(provider.groups_claim, [])
    listed = groups if isinstance(groups, list) else [groups]
    methods = claims.get("amr")
    factors = [claims.get("acr"), *(methods if isinstance(methods, list) else [])]
    return Claimed(
        way=Way.OIDC,
        issuer=provider.issuer,
        subject=_text(claims.get(provider.subject_claim)),
        username=_text(claims.get(provider.name_claim)),
        display_name=_text(claims.get("name")),
        groups=tuple(map(_text, listed)) if provider.groups_claim else None,
        factors=tuple(_text(factor) for factor in factors if factor),
    )


def _keys_for(provider: Provider, guest: Any) -> Any:
    return keys(provider, key_id=guest.headers().get("kid"))


def _check_audience(provider: Provider, claims: Mapping[str, Any]) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", provider.client_id if len(audiences) == 1 else None)
    if provider.client_id not in audiences or party != provider.client_id:
        raise SignOnRefused(SignInFailure.WRONG_AUDIENCE)


def _check_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in times):
        raise SignOnRefused(SignInFailure.MALFORMED)
    expires, issued, begins = times
    fits = (
        now - SKEW_SECONDS < expires
        and now - OLDEST_SECONDS < issued < now + SKEW_SECONDS
        and begins < now + SKEW_SECONDS
    )
    if not fits:
        raise SignOnRefused(SignInFailure.EXPIRED)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
