"""The address of the live connection."""

from django.urls import path

from assistant.chat.consumers import ChatConsumer

urlpatterns = [path("ws/chat/", ChatConsumer.as_asgi())]
