"""How a SCIM request comes in and how its answer goes out: token, size, JSON, errors."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import (
    ConflictException,
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    NotFoundException,
    PayloadTooLargeException,
    SCIMException,
    UnauthorizedException,
    UniquenessException,
)

from assistant.accounts.directory import tokens
from assistant.accounts.directory.accounts import SIGNIN
from assistant.accounts.directory.provisioning import Conflict, Taken, Unknown
from assistant.accounts.models import ScimToken
from assistant.accounts.requests import Request
from assistant.api.scim.resources import LARGEST_BODY, PROVIDER
from compliance import log
from compliance.events import AccessDenied, Context

CONTENT_TYPE = "application/scim+json"
Verb = Callable[..., HttpResponse]


def answer(body: dict[str, Any], *, status: int = 200, location: str = "") -> HttpResponse:
    """A SCIM answer."""
    headers = {"Location": location} if location else {}
    data = json.dumps(body, ensure_ascii=False)
    return HttpResponse(data, status=status, content_type=CONTENT_TYPE, headers=headers)


def route(**verbs: Verb) -> Callable[..., HttpResponse]:
    """A view that runs the verb of a request's method, for a directory that shows its token.

    A verb runs in one transaction on the sign-in connection; whatever goes wrong undoes it and is
    answered as RFC 7644, section 3.12, says.
    """

    @csrf_exempt
    @wraps(next(iter(verbs.values())))
    def view(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        verb = verbs.get(request.method or "")
        if verb is None:
            return _method_not_allowed(verbs)
        try:
            token = _token_of(request)
            request.record = Context(session=token.id, request=request.reference)
            with PROVIDER, transaction.atomic(using=SIGNIN):
                return verb(request, *args, **kwargs)
        except ValidationError as error:
            return _error(Error.from_validation_errors(error)[0])
        except (SCIMException, Taken, Unknown, Conflict, RequestDataTooBig) as error:
            return _error(_as_scim(error).to_error())

    return view


def payload(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that a request carries."""
    if len(request.body) > LARGEST_BODY:
        raise PayloadTooLargeException
    try:
        said = json.loads(request.body)
    except ValueError as error:
        raise InvalidSyntaxException(detail="The body is not JSON.") from error
    if not isinstance(said, dict):
        raise InvalidSyntaxException(detail="The body is not a JSON object.")
    return said


def base_of(request: HttpRequest) -> str:
    """The address of the service as the directory knows it."""
    return request.build_absolute_uri("/scim/v2")


def _token_of(request: Request) -> ScimToken:
    scheme, _, words = request.headers.get("Authorization", "").partition(" ")
    found = tokens.bearer(words.strip()) if scheme.casefold() == "bearer" and words else None
    if found is None:
        if words:
            denied = AccessDenied(what="scim", reason="token_does_not_count")
            log.append_alone(denied, context=Context(request=request.reference))
        raise UnauthorizedException(detail="Show a token that an administrator has made.")
    return found


def _as_scim(error: Exception) -> SCIMException:
    if isinstance(error, SCIMException):
        return error
    if isinstance(error, Taken):
        return UniquenessException(detail=str(error))
    if isinstance(error, Conflict):
        return ConflictException(detail=str(error))
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLargeException()
    return NotFoundException(detail=str(error))


def unknown_member(error: Unknown) -> SCIMException:
    """A member who does not exist is a wrong value of the group, not a missing group."""
    return InvalidValueException(detail=str(error))


def _error(error: Error) -> HttpResponse:
    response = answer(error.model_dump(), status=error.status or 400)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="SCIM"'
    return response


def _method_not_allowed(verbs: dict[str, Verb]) -> HttpResponse:
    response = _error(Error(status=405, detail="This address takes other methods."))
    response.headers["Allow"] = ", ".join(sorted(verbs))
    return response
