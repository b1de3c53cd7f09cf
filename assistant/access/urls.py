"""Addresses of matters."""

from django.urls import path

from assistant.access import views

urlpatterns = [
    path("", views.matters, name="matters"),
    path("new/", views.create, name="create-matter"),
    path("<uuid:matter_id>/", views.matter, name="matter"),
    path("<uuid:matter_id>/rename/", views.rename, name="rename-matter"),
    path("<uuid:matter_id>/members/", views.add_member, name="add-member"),
    path(
        "<uuid:matter_id>/members/<uuid:person_id>/remove/",
        views.remove_member,
        name="remove-member",
    ),
]
