"""Pages about oneself: signing in and out, the password, one's sessions; and what went wrong."""

import logging
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assistant.accounts import factors, signin
from assistant.accounts.directory import ways
from assistant.accounts.forms import PasswordForm, SignInForm
from assistant.accounts.requests import Request
from assistant.accounts.web import address_on_this_site

logger = logging.getLogger(__name__)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Request) -> HttpResponse:
    """The sign-in page. Afterwards the person gets the page they wanted."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    if request.token:
        return redirect(address_on_this_site(request, wanted))
    form = SignInForm(request.POST or None)
    refused = ""
    if form.is_valid():
        try:
            signin.sign_in(request, **form.cleaned_data)
            return redirect(address_on_this_site(request, wanted))
        except signin.SignInRefused as error:
            refused = str(error)
    context = {"form": form, "refused": refused, "next": wanted, "ways": ways.offered()}
    return render(request, "accounts/sign_in.html", context)


@require_POST
def sign_out(request: Request) -> HttpResponse:
    """End this session and show the sign-in page."""
    signin.sign_out(request)
    return redirect("sign-in")


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: Request) -> HttpResponse:
    """One's account: the password, and the browsers one is signed in with."""
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        try:
            signin.change_password(request, **form.cleaned_data)
            return redirect(resolve_url("account") + "?changed=1")
        except ValidationError as error:
            form.add_error(None, error.messages)
    return render(
        request,
        "accounts/account.html",
        {
            "form": form,
            "changed": "changed" in request.GET,
            "kept_one": factors.KEEP_ONE if "kept" in request.GET else "",
            "owned": factors.owned_by(request.user),
            "sessions": signin.sessions_of(request.user),
            "this_session": request.record.session,
            "this_browser": request.session.get("device", ""),
        },
    )


@login_required
@require_POST
def end_session(request: Request, public_id: UUID) -> HttpResponse:
    """Sign one of one's own browsers out."""
    signin.end_session(request, public_id)
    return redirect("account")


@login_required
@require_POST
def end_other_sessions(request: Request) -> HttpResponse:
    """Sign all of one's other browsers out."""
    signin.end_other_sessions(request)
    return redirect("account")


@login_required
@require_POST
def name_browser(request: Request) -> HttpResponse:
    """Give the browser one sits at a name, which it keeps."""
    name = signin.name_browser(request, request.POST.get("name", ""))
    response = redirect("account")
    response.set_signed_cookie(
        settings.DEVICE_COOKIE_NAME,
        name,
        salt=signin.DEVICE_SALT,
        max_age=signin.DEVICE_COOKIE_DAYS * 86_400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
@require_safe
def help_page(request: Request) -> HttpResponse:
    """How to ask, what the marks mean, which keys there are."""
    return render(request, "help.html")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was sent from a page that is no longer valid."""
    return render(request, "403.html", {"stale": True}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request cannot be understood; one that is too large is told so."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The person may not do this."""
    return render(request, "403.html", status=403)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """It does not exist, or not for this person: both look the same."""
    return render(request, "404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Something failed: say so, with the reference that stands in the log too."""
    reference = getattr(request, "reference", "")
    logger.error("reference %s: the request failed", reference)
    # Without the request: what failed may be what every page asks for.
    return render(None, "500.html", {"reference": reference}, status=500)
