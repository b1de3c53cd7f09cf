"""Addresses of conversations."""

from django.urls import path

from assistant.chat import views

urlpatterns = [
    path("", views.start, name="chat"),
    path("ask/", views.ask, name="ask"),
    path("search/", views.search, name="history-search"),
    path("<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("<uuid:conversation_id>/rename/", views.rename, name="rename-conversation"),
    path("<uuid:conversation_id>/delete/", views.delete, name="delete-conversation"),
    path("<uuid:conversation_id>/restore/", views.restore, name="restore-conversation"),
    path("answers/<uuid:answer_id>/feedback/", views.feedback, name="feedback"),
]
