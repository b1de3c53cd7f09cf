"""What the pages of signing in share."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from assistant.accounts import factors
from assistant.accounts.models import User
from assistant.accounts.requests import Request
from assistant.accounts.stepup import require_step_up

PageOf = Callable[[Request, User], HttpResponse]


def address_on_this_site(request: Request, wanted: str) -> str:
    """The wanted address if it is on this site, else the first page."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else resolve_url("home")


def may_set_up(request: Request) -> User | None:
    """Who may set up second factors in this session; None when it is nobody yet.

    Somebody halfway in who has a second factor gives it first: a password alone adds none.
    Somebody signed in has proved again who they are (raises StepUpNeeded).
    """
    if request.halfway is not None:
        has_passed = "passed" in request.session
        is_new = has_passed or not factors.owned_by(request.halfway).any
        return request.halfway if is_new else None
    if request.token:
        require_step_up(request, doing="change your second factors")
        return request.user
    return None


def setting_up(page: PageOf) -> Callable[[Request], HttpResponse]:
    """Run a page of setting up second factors, for whoever may."""

    @wraps(page)
    def run(request: Request) -> HttpResponse:
        user = may_set_up(request)
        if user is not None:
            return page(request, user)
        return redirect("second-factor" if request.halfway is not None else "sign-in")

    return run
