"""Pages of the second step: giving a second factor, setting one up, recovery codes."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assistant.accounts import factors, passkeys, qr, recovery, signin, totp
from assistant.accounts.factors import FactorLocked, FactorRefused
from assistant.accounts.forms import SignInForm
from assistant.accounts.models import User
from assistant.accounts.requests import Request
from assistant.accounts.stepup import stepped_up
from assistant.accounts.web import address_on_this_site, may_set_up, setting_up

SIGN_IN, SET_UP, STEP_UP = "sign_in", "set_up", "step_up"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: Request) -> HttpResponse:
    """Ask for the second factor, or lead to what is still to be set up."""
    user = request.halfway
    if user is None:
        return redirect("home" if request.token else "sign-in")
    if request.GET.get("next"):
        request.session["wanted"] = request.GET["next"]
    place = _still_to_do(request, user)
    if place != "second-factor":
        return _go_on(request, user)
    refused = ""
    if request.method == "POST":
        try:
            request.session["passed"] = given_factor(request, user, purpose=SIGN_IN)
            return _go_on(request, user)
        except FactorLocked as error:
            return _show_locked(request, error)
        except FactorRefused as error:
            refused = str(error)
    return render(request, "accounts/second_factor.html", ways(request, user, refused=refused))


def given_factor(request: Request, user: User, *, purpose: str) -> str:
    """Check the second factor that a form brings; returns its kind, raises FactorRefused."""
    answer = request.POST.get("credential", "")
    if answer:
        return passkeys.check(request, user, answer, purpose=purpose)
    code = request.POST.get("code", "")[:100]
    return factors.check_code(request.record, user, code, purpose=purpose)


def ways(request: Request, user: User, *, refused: str) -> dict[str, object]:
    """What a page shows to somebody who is to prove who they are."""
    owned = factors.owned_by(user)
    here = passkeys.passkeys_here(request, user)
    return {
        "owned": owned,
        "passkeys_here": here,
        "why_no_passkey": _why_no_passkey(request, owned) if not here else "",
        "refused": refused,
    }


def _why_no_passkey(request: Request, owned: factors.Owned) -> str:
    if not owned.passkeys:
        return ""
    return passkeys.why_not(request) or "Your passkeys were made at another address of this site."


def _still_to_do(request: Request, user: User) -> str | None:
    """The page of what is missing before somebody is signed in; None when nothing is."""
    owned = factors.owned_by(user)
    if not owned.any:
        return "set-up-second-factor"
    if "passed" not in request.session:
        return "second-factor"
    return None if owned.codes_left else "recovery-codes"


def _go_on(request: Request, user: User) -> HttpResponse:
    """Lead to what is missing, or complete the sign-in and show the page that was wanted."""
    place = _still_to_do(request, user)
    if place is not None:
        return redirect(place)
    wanted = request.session.pop("wanted", "")
    signin.complete(request, user, factor=request.session["passed"])
    return redirect(address_on_this_site(request, wanted))


def _show_locked(request: Request, error: FactorLocked) -> HttpResponse:
    """The account is locked: whoever is halfway in starts again later."""
    signin.sign_out(request)
    context = {"form": SignInForm(), "refused": str(error), "next": ""}
    return render(request, "accounts/sign_in.html", context)


@require_safe
@setting_up
def choose(request: Request, user: User) -> HttpResponse:
    """Which kind of second factor to set up."""
    context = {"owned": factors.owned_by(user), "why_no_passkey": passkeys.why_not(request)}
    return render(request, "accounts/set_up.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@setting_up
def set_up_app(request: Request, user: User) -> HttpResponse:
    """Show what an authenticator app needs, and take its first code."""
    refused = ""
    if request.method == "POST":
        try:
            factors.confirm_app(request.record, user, request.POST.get("code", "")[:20])
            return _after_set_up(request, user, factors.TOTP)
        except FactorLocked as error:
            return _show_locked(request, error)
        except FactorRefused as error:
            refused = str(error)
    secret = factors.app_being_set_up(user)
    address = totp.address(secret, username=user.username, issuer=passkeys.SITE_NAME)
    spelled = totp.spelled(secret)
    context = {
        "picture": qr.picture(address),
        "secret": " ".join(spelled[at : at + 4] for at in range(0, len(spelled), 4)),
        "account": user.username,
        "refused": refused,
    }
    return render(request, "accounts/set_up_app.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@setting_up
def set_up_passkey(request: Request, user: User) -> HttpResponse:
    """Make a passkey in this browser or on a security key."""
    refused = ""
    if request.method == "POST":
        answer, name = request.POST.get("credential", ""), request.POST.get("name", "")
        try:
            passkeys.set_up(request, user, answer, name=name)
            return _after_set_up(request, user, factors.PASSKEY)
        except FactorRefused as error:
            refused = str(error)
    context = {
        "why_no_passkey": passkeys.why_not(request),
        "name": signin.device_of(request),
        "refused": refused,
    }
    return render(request, "accounts/set_up_passkey.html", context)


@require_POST
def passkey_options(request: Request) -> HttpResponse:
    """What a browser needs for a passkey, as JSON; 400 with a sentence where none can be used."""
    purpose = request.POST.get("purpose", "")
    user = _for_purpose(request, purpose)
    if user is None:
        return redirect("second-factor" if request.halfway is not None else "sign-in")
    problem = passkeys.why_not(request)
    if problem:
        return HttpResponse(problem, status=400, content_type="text/plain")
    if purpose == SET_UP:
        options = passkeys.creation_options(request, user)
    else:
        options = passkeys.request_options(request, user, purpose=purpose)
    return HttpResponse(options, content_type="application/json")


def _for_purpose(request: Request, purpose: str) -> User | None:
    if purpose == SET_UP:
        return may_set_up(request)
    if purpose == SIGN_IN:
        return request.halfway
    return request.user if request.token else None


def _after_set_up(request: Request, user: User, factor: str) -> HttpResponse:
    if request.halfway is not None:
        request.session["passed"] = factor
        return _go_on(request, user)
    signin.mark_factor(request, factor)
    return redirect("account" if factors.owned_by(user).codes_left else "recovery-codes")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@setting_up
def recovery_codes(request: Request, user: User) -> HttpResponse:
    """Make new recovery codes and show them once; they count when one was typed back."""
    owned = factors.owned_by(user)
    if not owned.any:
        return redirect("set-up-second-factor")
    codes: list[str] = []
    refused = ""
    if request.POST.get("do") == "make":
        codes = recovery.make_codes(request.record, user)
    elif request.method == "POST":
        if recovery.keep(request.record, user, request.POST.get("code", "")[:100]):
            return _go_on(request, user) if request.halfway is not None else redirect("account")
        refused = "That is none of the codes. Type one of them as it stands on your paper or file."
        shown = request.POST.getlist("shown")[: recovery.CODES]
        # Only their hashes are kept here: the page brings them back to be shown again.
        codes = shown if recovery.were_shown(user, shown) else []
    context = {"owned": owned, "codes": codes, "refused": refused}
    return render(request, "accounts/recovery_codes.html", context)


@login_required
@require_POST
@stepped_up(doing="remove a second factor")
def remove(request: Request, factor_id: UUID) -> HttpResponse:
    """Take one of one's own second factors away."""
    may_be_last = request.user.may_defer_second_factor(timezone.now())
    try:
        factors.remove(request.record, request.user, factor_id, may_be_last=may_be_last)
    except ValidationError:
        return redirect(f"{resolve_url('account')}?kept=1")
    return redirect("account")
