"""How a page runs as the person who asked for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from assistant.access.errors import Missing
from assistant.accounts.identity import NotSignedIn, entered
from assistant.accounts.models import Role
from assistant.accounts.requests import Request

View = Callable[..., HttpResponseBase]


@overload
def signed_in(view: View) -> View: ...
@overload
def signed_in(*, role: Role) -> Callable[[View], View]: ...
def signed_in(view: View | None = None, *, role: Role | None = None) -> Any:
    """Run a view inside one transaction that has entered its person's identity.

    Without a session the person is asked to sign in. With the wrong role, and for what is missing
    or not theirs, the answer is 404.
    """
    if view is None:
        return lambda inner: _run_as_person(inner, role)
    return _run_as_person(view, role)


def _run_as_person(view: View, role: Role | None) -> View:
    @login_required
    @wraps(view)
    def run(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if role is not None and not request.user.has_role(role):
            raise Http404
        if request.user.must_change_password and _address_name(request) != "account":
            return redirect("account")
        try:
            with entered(request.token):
                return view(request, *args, **kwargs)
        except Missing as error:
            raise Http404 from error
        except NotSignedIn:
            logout(request)
            return redirect("sign-in")

    return run


def _address_name(request: Request) -> str | None:
    return request.resolver_match.url_name if request.resolver_match else None
