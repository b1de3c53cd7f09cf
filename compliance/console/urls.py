"""Addresses of the console. The caller passes the guard that lets signed-in people through."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from compliance.console import views, views_follow, views_proof, views_saved

View = Callable[..., HttpResponse]


def patterns(guard: Callable[[View], Any]) -> list[URLPattern]:
    """The console's addresses, each view wrapped in `guard`."""
    return [
        path("record/", guard(views.record_list), name="record"),
        path("record/<uuid:event_id>/", guard(views.record_detail), name="record-event"),
        path("record/<uuid:event_id>/proof/", guard(views_proof.record_proof), name="record-proof"),
        path("record/verify.py", guard(views_proof.record_verifier), name="record-verifier"),
        path("record/checkpoint/", guard(views_proof.record_checkpoint), name="record-checkpoint"),
        path("record/suggest/", guard(views.record_suggest), name="record-suggest"),
        path("record/follow/", guard(views_follow.begin), name="record-follow"),
        path("record/follow/more/", guard(views_follow.more), name="record-follow-more"),
        path("record/follow/end/", guard(views_follow.end), name="record-follow-end"),
        path("record/searches/", guard(views_saved.save), name="record-save-search"),
        path(
            "record/searches/<uuid:search_id>/remove/",
            guard(views_saved.remove),
            name="record-remove-search",
        ),
    ]
