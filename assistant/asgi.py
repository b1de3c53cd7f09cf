"""The web server's entry: pages over HTTP, live answers over WebSocket."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django.setup()
http = get_asgi_application()

from assistant.chat.sockets import urlpatterns  # noqa: E402
from compliance.ledger import alive  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(urlpatterns))}
)

alive.begin("web")
