"""Addresses of the pages about oneself, about people, and of help."""

from django.urls import path

from assistant.accounts import views, views_people

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("account/", views.account, name="account"),
    path("account/sessions/<uuid:public_id>/end/", views.end_session, name="end-session"),
    path("help/", views.help_page, name="help"),
    path("people/", views_people.people, name="people"),
    path("people/new/", views_people.create, name="create-person"),
    path("people/<uuid:person_id>/roles/", views_people.roles, name="person-roles"),
    path("people/<uuid:person_id>/active/", views_people.active, name="person-active"),
    path("people/<uuid:person_id>/password/", views_people.password, name="person-password"),
]
