"""Registers the app with Django."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "assistant.chat"
