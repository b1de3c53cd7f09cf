"""Passkeys and security keys (WebAuthn): set one up, and prove oneself with one.

A challenge is kept in the browser's session, serves one purpose, is used once and lasts five
minutes. The key is bound to the host name the page was asked at, which Django has checked against
the hosts the site answers to.
"""

import ipaddress
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers import parse_authentication_credential_json as parse_assertion
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from assistant.accounts.attempts import SIGNIN, Locked, Wrong, attempt
from assistant.accounts.factors import PASSKEY, locked_out, refusal
from assistant.accounts.models import Passkey, User
from assistant.accounts.requests import Request
from compliance import log
from compliance.events import FactorFailure, SecondFactorAdded

SITE_NAME = "Cloister"
SECONDS = 300
LONGEST_ANSWER = 20_000
NOT_TAKEN = "The passkey was not taken. Try again, or use another second factor."
TOO_LATE = "That took too long, or the page was used twice. Try again."
NEEDS_A_NAME = (
    "Passkeys need a host name, and this page was opened by a network address. "
    "Open the site by its name, or use an authenticator app."
)
NEEDS_TLS = (
    "Passkeys need an encrypted connection (https), and this page has none. "
    "Use an authenticator app, or ask the operator for https."
)
# What the library raises for an answer that is not one: its own errors, and those of its parsers.
_NOT_ONE = (WebAuthnException, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a passkey belongs: a host name, and the address of pages as browsers write it."""

    rp_id: str
    origin: str


def site_of(request: Request) -> Site:
    """The site as this browser sees it."""
    host = request.get_host()
    return Site(rp_id=_name_of(host), origin=f"{request.scheme}://{host}")


def why_not(request: Request) -> str:
    """Why no passkey can be used at this address; empty when one can."""
    name = _name_of(request.get_host())
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        is_local = name == "localhost" or name.endswith(".localhost")
        return "" if request.is_secure() or is_local else NEEDS_TLS
    return NEEDS_A_NAME


def passkeys_here(request: Request, user: User) -> list[Passkey]:
    """The person's passkeys that work at this address."""
    if why_not(request):
        return []
    rows = Passkey.objects.using(SIGNIN).filter(user_id=user.pk)
    return list(rows.filter(rp_id=site_of(request).rp_id))


def creation_options(request: Request, user: User) -> str:
    """What the browser needs to make a passkey, as JSON."""
    options = generate_registration_options(
        rp_id=site_of(request).rp_id,
        rp_name=SITE_NAME,
        # Random and without meaning elsewhere; the authenticator keeps it.
        user_id=user.public_id.bytes,
        user_name=user.username,
        user_display_name=user.display_name,
        timeout=SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(passkeys_here(request, user)),
    )
    _keep_challenge(request, options.challenge, "set_up")
    return options_to_json(options)


def request_options(request: Request, user: User, *, purpose: str) -> str:
    """What the browser needs to prove that it holds one of the person's passkeys, as JSON."""
    options = generate_authentication_options(
        rp_id=site_of(request).rp_id,
        timeout=SECONDS * 1000,
        allow_credentials=_descriptors(passkeys_here(request, user)),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    _keep_challenge(request, options.challenge, purpose)
    return options_to_json(options)


def set_up(request: Request, user: User, answer: str, *, name: str) -> None:
    """Keep a new passkey. Raises FactorRefused when the browser's answer is not genuine."""
    challenge = _challenge(request, user, "set_up")
    site = site_of(request)
    try:
        made = verify_registration_response(
            credential=answer[:LONGEST_ANSWER],
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
        )
    except _NOT_ONE as error:
        raise _refused(request, user, FactorFailure.NOT_GENUINE, "set_up", NOT_TAKEN) from error
    passkey = Passkey(
        user_id=user.pk,
        name=name.strip()[:60] or "Passkey",
        rp_id=site.rp_id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )
    with transaction.atomic(using=SIGNIN):
        added = SecondFactorAdded(object=user.public_id, factor=PASSKEY, reference=passkey.pk)
        log.append(added, context=request.record, using=SIGNIN)
        # The same key cannot belong to two people: the column is unique.
        passkey.save(using=SIGNIN, force_insert=True)


def check(request: Request, user: User, answer: str, *, purpose: str) -> str:
    """Take a passkey's signature; returns the name of this kind of factor.

    Raises FactorRefused (FactorLocked after too many) when it is not genuine or comes too late.
    """
    challenge = _challenge(request, user, purpose)

    def verified(_: object) -> str | None:
        return PASSKEY if _verify(request, user, answer[:LONGEST_ANSWER], challenge) else None

    try:
        return attempt(user, verified)
    except Wrong:
        raise _refused(request, user, FactorFailure.NOT_GENUINE, purpose, NOT_TAKEN) from None
    except Locked as error:
        raise locked_out(request.record, user, PASSKEY, purpose, error) from None


def _verify(request: Request, user: User, answer: str, challenge: bytes) -> bool:
    site = site_of(request)
    try:
        credential = parse_assertion(answer)
        passkey = Passkey.objects.using(SIGNIN).get(
            user_id=user.pk, rp_id=site.rp_id, credential_id=credential.raw_id
        )
        proof = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except (*_NOT_ONE, Passkey.DoesNotExist):
        return False
    passkey.sign_count, passkey.last_used_at = proof.new_sign_count, timezone.now()
    passkey.save(using=SIGNIN, update_fields=["sign_count", "last_used_at"])
    return True


def _descriptors(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=bytes(each.credential_id)) for each in passkeys]


def _keep_challenge(request: Request, challenge: bytes, purpose: str) -> None:
    request.session["passkey"] = {
        "challenge": bytes_to_base64url(challenge),
        "purpose": purpose,
        "until": time.time() + SECONDS,
    }


def _challenge(request: Request, user: User, purpose: str) -> bytes:
    """The challenge that was given for this purpose; it serves once."""
    kept: dict[str, Any] = request.session.pop("passkey", {})
    # Stored at once: two answers to one challenge could otherwise both be taken.
    request.session.save()
    if kept.get("purpose") != purpose or kept.get("until", 0) < time.time():
        raise _refused(request, user, FactorFailure.TOO_LATE, purpose, TOO_LATE)
    return base64url_to_bytes(kept["challenge"])


def _refused(
    request: Request, user: User, reason: FactorFailure, purpose: str, words: str
) -> Exception:
    return refusal(request.record, user, PASSKEY, reason, purpose, words)


def _name_of(host: str) -> str:
    """The host without its port."""
    return host if host.endswith("]") else host.rsplit(":", 1)[0]
