"""Pages of access reviews: the overview, and the places of a review to be confirmed or removed."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from assistant.access import reviews as verbs
from assistant.access.errors import Missing
from assistant.access.web import signed_in
from assistant.accounts.models import Role
from assistant.accounts.requests import Request
from assistant.accounts.stepup import stepped_up

USUAL_DAYS = 14


@require_safe
@signed_in
def reviews(request: Request) -> HttpResponse:
    """The reviews in which I have places to look at."""
    return _overview(request)


def _overview(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    today = timezone.now().date()
    context = {
        "reviews": verbs.reviews(),
        "due": (today + timedelta(days=USUAL_DAYS)).isoformat(),
        "first_day": (today + timedelta(days=1)).isoformat(),
        "last_day": (today + timedelta(days=verbs.LONGEST_DAYS)).isoformat(),
        **more,
    }
    return render(request, "access/reviews.html", context, status=status)


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
@stepped_up(doing="open an access review")
def open_review(request: Request) -> HttpResponse:
    """Ask all leads to confirm who is in their matters."""
    due = request.POST.get("due", "")
    try:
        made = verbs.open_review(request.record, due=_day(due))
    except ValidationError as error:
        return _overview(request, status=400, problems=error.messages, due=due)
    return redirect("review", made.pk)


@require_safe
@signed_in
def review(request: Request, review_id: UUID) -> HttpResponse:
    """The places of a review, by matter."""
    return _page(request, review_id)


def _page(request: Request, review_id: UUID, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "review": verbs.progress_of(review_id),
        "matters": verbs.places_of(review_id, request.user),
        **more,
    }
    return render(request, "access/review.html", context, status=status)


@require_POST
@signed_in
def decide(request: Request, review_id: UUID) -> HttpResponse:
    """Confirm a place, remove it, or confirm all that is undecided in a matter."""
    found = verbs.progress_of(review_id)
    form, matter = request.POST, request.POST.get("matter", "")
    try:
        if "all" in form:
            verbs.confirm_all(request.record, found.id, _id(matter), request.user)
        else:
            keep = "keep" in form
            item = _number(form.get("keep" if keep else "remove", ""))
            verbs.decide(request.record, found.id, item, keep=keep)
    except ValidationError as error:
        return _page(request, found.id, status=400, problems=error.messages)
    return redirect(f"{resolve_url('review', found.id)}#matter-{matter}")


@require_POST
@signed_in(role=Role.PRIVACY_OFFICER)
@stepped_up(doing="close an access review")
def close(request: Request, review_id: UUID) -> HttpResponse:
    """End what is not confirmed, now."""
    try:
        verbs.close_review(request.record, verbs.progress_of(review_id).id)
    except ValidationError as error:
        return _page(request, review_id, status=400, problems=error.messages)
    return redirect("review", review_id)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValidationError("Choose the day on which it is due.") from error


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Missing from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Missing
    return int(text)
