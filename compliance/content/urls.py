"""The address that unlocks content. The caller passes its guards."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from compliance.content import views

View = Callable[..., HttpResponse]


def patterns(guard: Callable[[View], Any], prove: views.Prove) -> list[URLPattern]:
    """The address, with its view wrapped in `guard`; `prove` asks again who is there."""
    return [
        path(
            "record/<uuid:event_id>/content/<slug:part>/",
            guard(views.unlock_part),
            {"prove": prove},
            name="record-unlock",
        ),
    ]
