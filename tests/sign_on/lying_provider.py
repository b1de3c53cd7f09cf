"""An OpenID provider that says whatever a test wants, over real HTTP, with a real key."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT = "cloister"


class LyingProvider:
    """What it says of itself, its keys, and the ID token it gives for any code."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.discovery: dict[str, Any] = {
            "issuer": address,
            "authorization_endpoint": f"{address}/authorize",
            "token_endpoint": f"{address}/token",
            "jwks_uri": f"{address}/keys",
        }
        self.keys: list[Any] = [self.key.as_dict(private=False)]
        self.id_token = ""
        self.delay_seconds = 0.0

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        """Claims that are right but for the changes; None takes one away."""
        now = int(time.time())
        right = {
            "iss": self.address,
            "sub": "subject",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "groups": ["clinicians"],
            "preferred_username": "erin",
        }
        return {key: value for key, value in (right | changes).items() if value is not None}

    def signed(self, claims: dict[str, Any], *, key: RSAKey | OctKey | None = None, **header: str):
        """The claims as a token, by this provider's key or another."""
        head = {"alg": "RS256", "kid": "first", **header}
        return jwt.encode(head, claims, key or self.key, algorithms=[head["alg"]])

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            return {"keys": self.keys}
        if path == "/token":
            return {"id_token": self.id_token, "access_token": "", "token_type": "Bearer"}
        return self.discovery


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """A provider on loopback for one test."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(provider.delay_seconds)
            body = json.dumps(provider.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = LyingProvider(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()
