"""Django's settings, all of them: environments differ by variables, not by files."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from assistant.config import (
    CHECKOUT,
    get_config,
    ledger_address,
    read_made_roles,
    read_secret,
    read_state,
)

config = get_config()
_state = read_state(config.home)

SECRET_KEY = (
    config.secret_key.get_secret_value()
    if config.secret_key
    else read_secret(config.home, "secret_key")
)
DEBUG = config.debug
ALLOWED_HOSTS = [host.strip() for host in config.allowed_hosts.split(",") if host.strip()]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "channels",
    "django.contrib.humanize",
    "csp",
    "compliance",
    "assistant.accounts",
    "assistant.access",
    "assistant.documents",
    "assistant.chat",
    "assistant.launcher",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "assistant.accounts.middleware.refuse_when_unavailable",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "assistant.accounts.middleware.keep_private",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "assistant.urls"
ASGI_APPLICATION = "assistant.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [CHECKOUT / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "assistant.accounts.context.person",
                "assistant.access.context.reminded",
            ],
            "builtins": ["django.templatetags.static"],
        },
    }
]


# --- The database: one server, a role for each use -----------------------------------------


def database(address: str, **options: Any) -> dict[str, Any]:
    """Django's description of a `postgres://` address."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "")
    return {
        "ENGINE": "assistant.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # Never by itself: only what assistant.postgresql.prepared runs is kept prepared.
            "prepare_threshold": 2**31,
            **query,
            **options,
        },
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


def _database_addresses() -> tuple[str, str, str]:
    """The application's, the owner's and the sign-in role's addresses, in this order."""
    if config.database_url:
        owner = config.database_owner_url or config.database_url
        made = read_made_roles(config.home)
        app = config.database_url if config.database_owner_url else made.get("app", owner)
        return app, owner, config.database_signin_url or made.get("signin", app)
    known = _state.get("databases", {})
    nowhere = "postgres://cloister@127.0.0.1:1/cloister"
    return known.get("app", nowhere), known.get("owner", nowhere), known.get("signin", nowhere)


_app, _owner, _signin = _database_addresses()
LEDGER_DATABASES = {
    role: ledger_address(config, config.home, role) for role in ("sequencer", "signer")
}
# A server that comes back is tried again soon: the pool's own pauses would double up to minutes.
_pool = {"min_size": 0, "max_size": 24, "timeout": 5, "max_idle": 60, "reconnect_timeout": 3}
DATABASES = {
    # What pages and workers use: owns nothing, cannot pass row security.
    "default": database(_app, pool=_pool),
    # Opens and closes sessions, nothing else. Only assistant.accounts.sessions uses it.
    "signin": database(_signin, pool=_pool | {"max_size": 4}),
    # Denials are recorded on a connection of their own, so that no rollback takes them away.
    "record": database(_app, pool=_pool | {"max_size": 4}),
    # Owns the tables. Only `manage.py migrate` and the index's upkeep use it.
    "owner": database(_owner),
}
DATABASE_ROUTERS = ["assistant.access.routers.OwnerMigrates"]
CLOISTER_DB_ROLES = {
    "owner": DATABASES["owner"]["USER"],
    "app": DATABASES["default"]["USER"],
    "signin": DATABASES["signin"]["USER"],
    **{role: unquote(urlsplit(url).username or "") for role, url in LEDGER_DATABASES.items()},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The record: keys of its content, in a store apart from the database ---------------------

CONTENT_KEYS_FOLDER = config.content_keys or config.home / "keys"
CONTENT_KEY = (
    config.content_key.get_secret_value()
    if config.content_key
    else read_secret(config.home, "content_key")
)
CONTENT_DAYS = config.content_days
# How a command of the record acts as a person: a context manager, given a name and `command=`.
RECORD_ACTING_AS = "assistant.accounts.acting.acting_as"
RECORD_ENTERED = "assistant.accounts.identity.entered"

# --- Redis: wake-up calls and live answers; nothing that must not be lost ------------------

REDIS_URL = config.redis_url or _state.get("redis", "redis://127.0.0.1:1/0")

# --- People --------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["assistant.accounts.signin.PasswordBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_ENGINE = "assistant.accounts.sessions"
SESSION_COOKIE_NAME = "__Host-cloister" if config.https else "cloister"
SESSION_COOKIE_AGE = int(config.session_hours * 3600)
SESSION_IDLE_MINUTES = config.session_idle_minutes
DEVICE_COOKIE_NAME = f"{SESSION_COOKIE_NAME}-device"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = config.https
CSRF_COOKIE_NAME = "__Host-cloister-csrf" if config.https else "cloister-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = config.https
CSRF_FAILURE_VIEW = "assistant.accounts.views.csrf_failed"

# --- The browser ---------------------------------------------------------------------------

SECURE_HSTS_SECONDS = 31_536_000 if config.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if config.https else None
# Not "no-referrer": with it browsers send forms with "Origin: null", which the CSRF check refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
UPLOAD_BYTES = config.upload_megabytes * 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

STATIC_URL = "/static/"
STATICFILES_DIRS = [CHECKOUT / "assistant" / "static"]
STATIC_ROOT = config.home / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "assistant.static_files.HashedModules"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = config.home / "blobs"

# --- Language and time ---------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- Logging: ids and numbers, never content -----------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}

# --- Models and answers --------------------------------------------------------------------

HOME: Path = config.home
MODELS = config.models
FIRST_TOKEN_SECONDS = config.first_token_seconds
BETWEEN_TOKENS_SECONDS = config.between_tokens_seconds
LEASE_SECONDS = config.lease_seconds
ANSWER_TOKENS = config.answer_tokens
PASSAGES_SHOWN = config.passages_shown
PASSAGES_READ = config.passages_read
SEARCHES_AT_ONCE = config.searches_at_once
QUESTION_CHARACTERS = config.question_characters
EMBEDDING_FOLDER: Path | None = config.embedding_model
