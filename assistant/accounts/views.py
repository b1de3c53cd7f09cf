"""Pages about oneself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was sent from a page that is no longer valid."""
    return render(request, "403.html", {"reason": reason}, status=403)
