"""Signing in with SAML 2.0: requests over HTTP-Redirect, signed assertions over HTTP-POST.

SAML Core 2.0 sections 2 and 3.4; Profiles 2.0 section 4.1 (web browser single sign-on). Only
sign-ins begun here are finished; there is no logout and no encryption of assertions.
"""

import base64
import secrets
import zlib
from dataclasses import asdict
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone
from lxml import etree

from assistant.accounts.directory import attempts
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed, Way
from assistant.accounts.directory.saml_assertion import Received, received
from assistant.accounts.directory.saml_metadata import IdentityProvider, Service
from assistant.accounts.directory.saml_xml import NAMES, PERSISTENT, POST, make, text_of
from assistant.accounts.models import AssertionSeen, SignOnAttempt
from compliance.events import SignInFailure

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SKEW = timedelta(seconds=60)


def begin(provider: IdentityProvider, service: Service, *, browser: str, wanted: str) -> str:
    """Begin a sign-in; returns the provider's address to send the browser to."""
    request_id = "_" + secrets.token_hex(20)
    attempts.begin(Way.SAML, state=request_id, browser=browser, wanted=wanted)
    children = [make("saml:Issuer", service.entity_id)]
    if not provider.subject_attribute:
        children.append(make("samlp:NameIDPolicy", Format=PERSISTENT, AllowCreate="true"))
    request = make(
        "samlp:AuthnRequest",
        *children,
        ID=request_id,
        Version="2.0",
        IssueInstant=timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        Destination=provider.address,
        ProtocolBinding=POST,
        AssertionConsumerServiceURL=service.answers_to,
    )
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflate.compress(etree.tostring(request)) + deflate.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode()})
    return provider.address + ("&" if urlsplit(provider.address).query else "?") + query


def receive(provider: IdentityProvider, service: Service, encoded: str) -> str:
    """Take a provider's response; returns the ticket with which the browser finishes.

    The browser brings the response without our cookie (it is posted from another site), so who
    began the sign-in is checked when the ticket is redeemed. Raises SignOnRefused.
    """
    found = received(provider, service, encoded)
    now = timezone.now()
    claimed, request_id, until = checked(provider, service, found, now=now)
    _accept_once(found.assertion.get("ID", ""), provider, until=until, now=now)
    attempt = attempts.answered(Way.SAML, state=request_id, browser=None)
    return attempts.ticket_for(attempt, asdict(claimed))


def finish(ticket: str, *, browser: str) -> tuple[SignOnAttempt, Claimed]:
    """Whom a ticket has proven, in the browser that began the sign-in; raises SignOnRefused."""
    attempt = attempts.redeemed(ticket, browser=browser)
    kept = dict(attempt.claimed or {})
    groups, factors = kept.pop("groups"), kept.pop("factors")
    claimed = Claimed(
        **kept | {"way": Way(kept["way"])},
        groups=None if groups is None else tuple(groups),
        factors=tuple(factors),
    )
    return attempt, claimed


def checked(
    provider: IdentityProvider, service: Service, found: Received, *, now: datetime
) -> tuple[Claimed, str, datetime]:
    """Whom a signed assertion names, the request it answers, and until when it counts.

    Raises SignOnRefused unless it is from this provider, for us, in answer to a request, now.
    """
    assertion = found.assertion
    if text_of(assertion.find("saml:Issuer", NAMES)) != provider.entity_id:
        raise SignOnRefused(SignInFailure.WRONG_ISSUER)
    conditions = assertion.findall("saml:Conditions", NAMES)
    if len(conditions) != 1:
        raise SignOnRefused(SignInFailure.MALFORMED)
    _check_audience(service, conditions[0])
    _check_times(conditions[0], now)
    data = _bearer(service, assertion)
    request_id = data.get("InResponseTo")
    if not request_id or (found.answers or request_id) != request_id:
        raise SignOnRefused(SignInFailure.NOT_BEGUN_HERE)
    if data.get("NotBefore") is not None or data.get("NotOnOrAfter") is None:
        raise SignOnRefused(SignInFailure.MALFORMED)
    _check_times(data, now)
    statement = assertion.find("saml:AuthnStatement", NAMES)
    if statement is None:
        raise SignOnRefused(SignInFailure.MALFORMED)
    until = _moment(str(data.get("NotOnOrAfter"))) + SKEW
    return _claimed(provider, assertion, statement), request_id, until


def _check_audience(service: Service, conditions: etree._Element) -> None:
    """Each restriction must name us; there must be one."""
    restrictions = conditions.findall("saml:AudienceRestriction", NAMES)
    named = [
        {text_of(audience) for audience in restriction.findall("saml:Audience", NAMES)}
        for restriction in restrictions
    ]
    if not named or any(service.entity_id not in each for each in named):
        raise SignOnRefused(SignInFailure.WRONG_AUDIENCE)


def _check_times(element: etree._Element, now: datetime) -> None:
    begins, ends = element.get("NotBefore"), element.get("NotOnOrAfter")
    too_early = begins is not None and now + SKEW < _moment(begins)
    if too_early or (ends is not None and now - SKEW >= _moment(ends)):
        raise SignOnRefused(SignInFailure.EXPIRED)


def _bearer(service: Service, assertion: etree._Element) -> etree._Element:
    """The confirmation that whoever brings the assertion is its subject."""
    confirmations = [
        data
        for each in assertion.findall("saml:Subject/saml:SubjectConfirmation", NAMES)
        if each.get("Method") == BEARER
        and (data := each.find("saml:SubjectConfirmationData", NAMES)) is not None
    ]
    for data in confirmations:
        if data.get("Recipient") == service.answers_to:
            return data
    raise SignOnRefused(SignInFailure.WRONG_RECIPIENT)


def _claimed(
    provider: IdentityProvider, assertion: etree._Element, statement: etree._Element
) -> Claimed:
    told: dict[str, list[str]] = {}
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", NAMES):
        values = [text_of(value) for value in attribute.findall("saml:AttributeValue", NAMES)]
        for name in {attribute.get("Name"), attribute.get("FriendlyName")} - {None}:
            told.setdefault(str(name), []).extend(values)
    name_id = assertion.find("saml:Subject/saml:NameID", NAMES)
    stable = name_id is not None and name_id.get("Format") == PERSISTENT
    if provider.subject_attribute:
        subject = _first(told, provider.subject_attribute)
    else:
        subject = text_of(name_id) if stable else ""
    groups = tuple(told.get(provider.groups_attribute, ()))
    context = statement.find("saml:AuthnContext/saml:AuthnContextClassRef", NAMES)
    return Claimed(
        way=Way.SAML,
        issuer=provider.entity_id,
        subject=subject,
        username=_first(told, provider.name_attribute),
        display_name=_first(told, provider.display_attribute),
        groups=groups if provider.groups_attribute else None,
        factors=(text_of(context),) if context is not None else (),
    )


def _first(told: dict[str, list[str]], name: str) -> str:
    return next(iter(told.get(name, [])), "")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SignOnRefused(SignInFailure.MALFORMED) from error
    if moment.tzinfo is None:
        raise SignOnRefused(SignInFailure.MALFORMED)
    return moment


def _accept_once(
    assertion_id: str, provider: IdentityProvider, *, until: datetime, now: datetime
) -> None:
    seen = AssertionSeen.objects.using(attempts.SIGNIN)
    seen.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic(using=attempts.SIGNIN):
            seen.create(
                digest=attempts.digest(f"{provider.entity_id}\n{assertion_id}"), expires_at=until
            )
    except IntegrityError as error:
        raise SignOnRefused(SignInFailure.REPLAYED) from error
