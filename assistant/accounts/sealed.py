"""Tokens that wait in the database for a worker, unreadable without the application's secret."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet
from django.conf import settings


@cache
def _box(secret: str) -> Fernet:
    key = hashlib.sha256(b"cloister.sealed.v1" + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def seal(token: str) -> bytes:
    """Encrypt a token so that somebody who only reads the database cannot use it."""
    return _box(settings.SECRET_KEY).encrypt(token.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """The token again; raises cryptography.fernet.InvalidToken when the secret has changed."""
    return _box(settings.SECRET_KEY).decrypt(bytes(sealed)).decode()
