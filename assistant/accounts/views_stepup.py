"""The pages that ask again who is there, and then show what was to be done."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from assistant.accounts import factors, signin, stepup
from assistant.accounts.factors import FactorRefused
from assistant.accounts.models import User
from assistant.accounts.requests import Request
from assistant.accounts.signin import SignInRefused
from assistant.accounts.views_factors import STEP_UP, given_factor, ways
from assistant.accounts.web import address_on_this_site


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def step_up(request: Request) -> HttpResponse:
    """Ask for a second factor again; for the password where there is none yet."""
    user = request.user
    wanted = request.POST.get("next", request.GET.get("next", ""))
    refused = ""
    if request.method == "POST":
        try:
            stepup.confirmed(request, _proof(request, user))
            if not wanted and stepup.kept_form(request) is not None:
                return redirect("step-up-go-on")
            return redirect(address_on_this_site(request, wanted))
        except (FactorRefused, SignInRefused) as error:
            refused = str(error)
    context = {
        **ways(request, user, refused=refused),
        "next": wanted,
        "kept": None if wanted else stepup.kept_form(request),
        "has_password": signin.has_password(user),
    }
    return render(request, "accounts/step_up.html", context)


def _proof(request: Request, user: User) -> str:
    """How the person proved who they are; raises FactorRefused or SignInRefused."""
    if factors.owned_by(user).any:
        return given_factor(request, user, purpose=STEP_UP)
    signin.check_own_password(request.record, user, request.POST.get("password", "")[:1000])
    return "password"


@login_required
@require_safe
def go_on(request: Request) -> HttpResponse:
    """Show the form that was kept, to be sent on by a click."""
    kept = stepup.kept_form(request)
    if kept is None:
        return redirect("home")
    if not stepup.is_stepped_up(request, again=True):
        return redirect("step-up")
    return render(request, "accounts/step_up_go_on.html", {"kept": kept})
