"""Addresses of the site."""

from functools import partial

from django.urls import URLPattern, URLResolver, include, path

from assistant.access.web import signed_in
from assistant.accounts.stepup import require_step_up
from assistant.chat import views as chat
from compliance.console.urls import patterns as record_patterns
from compliance.content.urls import patterns as content_patterns

urlpatterns: list[URLPattern | URLResolver] = [
    path("", chat.home, name="home"),
    path("scim/v2/", include("assistant.api.scim.urls")),
    path("chat/", include("assistant.chat.urls")),
    path("", include("assistant.access.urls")),
    path("", include("assistant.documents.urls")),
    path("", include("assistant.accounts.urls")),
    *record_patterns(signed_in),
    *content_patterns(
        signed_in, partial(require_step_up, again=True, doing="unlock recorded content")
    ),
]

handler400 = "assistant.accounts.views.bad_request"
handler403 = "assistant.accounts.views.forbidden"
handler404 = "assistant.accounts.views.missing"
handler500 = "assistant.accounts.views.broken"
