"""Addresses of the pages about oneself, about people, and of help."""

from django.urls import path

from assistant.accounts import views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("account/", views.account, name="account"),
    path("account/sessions/<uuid:public_id>/end/", views.end_session, name="end-session"),
    path("help/", views.help_page, name="help"),
]
