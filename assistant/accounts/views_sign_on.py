"""Signing in by way of the house's directory: to the provider and back.

Buttons are links, since the strict policy for forms would stop a form that leads elsewhere. The
browser that begins is known again by a cookie of its own.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from assistant.accounts import signin
from assistant.accounts.directory import certificate as certificates
from assistant.accounts.directory import ldap as directory
from assistant.accounts.directory import oidc as openid
from assistant.accounts.directory import oidc_provider, ways
from assistant.accounts.directory import saml as assertions
from assistant.accounts.directory import saml_metadata as metadata
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed, Way, person_for, rules_of
from assistant.accounts.forms import SignInForm
from assistant.accounts.requests import Request
from assistant.accounts.web import address_on_this_site
from assistant.config import get_config
from compliance import log
from compliance.events import Context, SignInFailed, SignInFailure

View = Callable[[Request], HttpResponse]
Configured = TypeVar("Configured")
COOKIE = "__Host-cloister-sign-on" if settings.SESSION_COOKIE_SECURE else "cloister-sign-on"
COOKIE_SECONDS = 600


def _by(way: Way) -> Callable[[View], View]:
    """A view of one way of signing in: refusals are recorded and told on the sign-in page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: Request) -> HttpResponse:
            label = ways.offered().get(way.value)
            if label is None:
                raise Http404
            if request.token:
                return redirect("home")
            try:
                return view(request)
            except SignOnRefused as refused:
                return _told(request, way, label, refused)

        return run

    return decorate


@require_safe
@_by(Way.OIDC)
def oidc(request: Request) -> HttpResponse:
    """To the OpenID provider."""
    browser = _browser(request)
    address = openid.begin(
        _there(oidc_provider.provider_of(get_config())),
        redirect=_here("sign-in-oidc-return"),
        browser=browser,
        wanted=request.GET.get("next", ""),
    )
    return _leave_for(address, browser)


@require_safe
@_by(Way.OIDC)
def oidc_return(request: Request) -> HttpResponse:
    """Back from the OpenID provider."""
    attempt, claimed = openid.finish(
        _there(oidc_provider.provider_of(get_config())),
        request.GET.dict(),
        redirect=_here("sign-in-oidc-return"),
        browser=request.COOKIES.get(COOKIE, ""),
    )
    return _begin(request, claimed, attempt.wanted)


@require_safe
@_by(Way.SAML)
def saml(request: Request) -> HttpResponse:
    """To the SAML identity provider."""
    browser = _browser(request)
    provider = _there(metadata.provider_of(get_config()))
    address = assertions.begin(
        provider, _service(), browser=browser, wanted=request.GET.get("next", "")
    )
    return _leave_for(address, browser)


@csrf_exempt
@require_POST
@_by(Way.SAML)
def saml_response(request: Request) -> HttpResponse:
    """Back from the identity provider, without cookies: the browser finishes at our own address."""
    provider = _there(metadata.provider_of(get_config()))
    ticket = assertions.receive(provider, _service(), request.POST.get("SAMLResponse", ""))
    finish = redirect(reverse("sign-in-saml-finish") + "?" + urlencode({"ticket": ticket}))
    finish.status_code = 303
    return finish


@require_safe
@_by(Way.SAML)
def saml_finish(request: Request) -> HttpResponse:
    """The browser that began the sign-in comes for it."""
    attempt, claimed = assertions.finish(
        request.GET.get("ticket", ""), browser=request.COOKIES.get(COOKIE, "")
    )
    return _begin(request, claimed, attempt.wanted)


@require_safe
def saml_metadata(request: Request) -> HttpResponse:
    """Who we are, for the identity provider's operator."""
    if Way.SAML.value not in ways.offered():
        raise Http404
    data = metadata.service_metadata(_service())
    return HttpResponse(data, content_type="application/samlmetadata+xml")


@sensitive_post_parameters()
@require_POST
@_by(Way.LDAP)
def ldap(request: Request) -> HttpResponse:
    """The form of the sign-in page, with the name and password of the directory."""
    form = SignInForm(request.POST)
    if not form.is_valid():
        raise SignOnRefused(SignInFailure.WRONG_PASSWORD)
    claimed = directory.sign_in(
        _there(directory.directory_of(get_config())),
        name=form.cleaned_data["username"],
        password=form.cleaned_data["password"],
    )
    return _begin(request, claimed, request.POST.get("next", ""))


@require_POST
@_by(Way.CERTIFICATE)
def certificate(request: Request) -> HttpResponse:
    """The certificate that the web server in front has checked."""
    claimed = certificates.sign_in(
        _there(certificates.proxies_of(get_config())),
        address=request.META.get("REMOTE_ADDR", ""),
        headers=request.headers,
    )
    return _begin(request, claimed, request.POST.get("next", ""))


def _begin(request: Request, claimed: Claimed, wanted: str) -> HttpResponse:
    rules = rules_of(get_config())
    user = person_for(Context(request=request.reference), claimed, rules)
    factor_done = rules.factor_done(claimed)
    signin.begin(request, user, via=claimed.way.value, factor_done=factor_done)
    response = redirect(address_on_this_site(request, wanted))
    response.delete_cookie(COOKIE)
    return response


def _told(request: Request, way: Way, label: str, refused: SignOnRefused) -> HttpResponse:
    event = SignInFailed(object=refused.account, reason=refused.reason, method=way.value)
    log.append_alone(event, context=Context(request=request.reference))
    context = {
        "form": SignInForm(initial={"username": request.POST.get("username", "")}),
        "refused": refused.sentence(label),
        "show_reference": True,
        "next": request.POST.get("next", request.GET.get("next", "")),
        "ways": ways.offered(),
    }
    return render(request, "accounts/sign_in.html", context, status=403)


def _there(configured: Configured | None) -> Configured:
    if configured is None:
        raise Http404
    return configured


def _service() -> metadata.Service:
    return metadata.Service(
        entity_id=_here("saml-metadata"), answers_to=_here("sign-in-saml-response")
    )


def _here(name: str) -> str:
    return ways.site_address(get_config()) + reverse(name)


def _browser(request: Request) -> str:
    return request.COOKIES.get(COOKIE) or secrets.token_urlsafe(32)


def _leave_for(address: str, browser: str) -> HttpResponse:
    response = HttpResponse(status=302, headers={"Location": address})
    response.set_cookie(
        COOKIE,
        browser,
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
