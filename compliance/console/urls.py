"""Addresses of the record page. The caller passes the guard that lets signed-in people through."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from compliance.console import views

View = Callable[..., HttpResponse]


def patterns(guard: Callable[[View], Any]) -> list[URLPattern]:
    """The record's addresses, each view wrapped in `guard`."""
    return [
        path("record/", guard(views.record_list), name="record"),
        path("record/<uuid:event_id>/", guard(views.record_detail), name="record-event"),
    ]
