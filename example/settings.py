"""Settings of the example project, all from the environment (docs/how-to/docker.md has the list).

With nothing set it is the demo, on this machine alone. A SECRET_KEY, or DEMO=0, means production:
then nothing that everybody knows is accepted, neither a key nor a user.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from example.databases import database
from example.environment import choice, flag, number, text, words
from example.mailing import mail_settings
from example.secret import DEMO_KEY, secret_key
from headway.contrib.logs import FORMS, LEVELS, logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(text("DATA_DIR", str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

DEMO = flag("DEMO", default="SECRET_KEY" not in os.environ)
SECRET_KEY = secret_key(demo=DEMO)
DEBUG = flag("DEBUG", default=False)  # with it, Django keeps every statement of a worker in memory
ALLOWED_HOSTS = words("ALLOWED_HOSTS", *(["localhost", "127.0.0.1"] if DEMO else []))
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
if not DEMO and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS isn't set: say by which names the site is called, separated by commas.")

# Outside the demo there is TLS, here or in a proxy.
SECURE_PROXY_SSL_HEADER = tuple(words("SECURE_PROXY_SSL_HEADER")) or None
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=not DEMO)
SECURE_HSTS_SECONDS = int(number("SECURE_HSTS_SECONDS", 0 if DEMO else 30 * 24 * 3600))
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_PRELOAD", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = flag("SECURE_COOKIES", default=not DEMO)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # neighbours and browsers' lists are the owner's decision

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "headway",
    "headway.contrib",
    "example.airports",
    "example.upkeep",
]

MIDDLEWARE = [
    "headway.contrib.probes.probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example.urls"
ASGI_APPLICATION = "example.asgi.application"
WSGI_APPLICATION = "example.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "example" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns when it isn't there
WHITENOISE_USE_FINDERS = True  # straight from the apps: nothing to collect on one machine

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    },
}

REST_FRAMEWORK = {
    # The token first: its challenge makes the answer to an anonymous request a 401, and not a 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Headway example",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

DATABASES = {"default": database(text("DATABASE_URL"), DATA_DIR / "db.sqlite3")}
if not DEMO and DATABASES["default"].get("PASSWORD") == DEMO_KEY:
    raise ImproperlyConfigured("The database's password is the demo's: set POSTGRES_PASSWORD, or DATABASE_URL.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = DATA_DIR / "media"

AIRPORT_SERVICE = text("AIRPORT_SERVICE")  # its address; each worker's process has one of its own where none is named

vars().update(mail_settings(text("EMAIL_HOST"), int(number("EMAIL_PORT", 25)), DATA_DIR / "mail"))

REDIS_URL = text("REDIS_URL")
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # s; without it there is only more to read
        }
    }

HEADWAY = {
    "CACHE": "default" if REDIS_URL else "",
    "ENGINE": text("HEADWAY_ENGINE", "embedded"),
    "MAX_UPLOAD_BYTES": int(number("HEADWAY_MAX_UPLOAD_BYTES", 1 << 30)),
    "LEASE_SECONDS": number("HEADWAY_LEASE_SECONDS", 10),
    "STREAM_SECONDS": number("HEADWAY_STREAM_SECONDS", 50),  # below the proxy's cut
}

if HEADWAY["ENGINE"] == "celery":
    from example.celery import app as celery_app  # noqa: F401  (web processes send messages with it, workers take them)

    CELERY_BROKER_URL = text("CELERY_BROKER_URL", REDIS_URL or "redis://127.0.0.1:6379/0")
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_connect_timeout": 5,  # of the workers' own connections; Headway's messages are less patient
        "socket_timeout": 20,
    }
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_WORKER_DISABLE_PREFETCH = True
    CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2  # for SIGQUIT; after SIGTERM a worker waits for its items in any case
    CELERY_BEAT_SCHEDULE = {"headway": {"task": "headway.reap", "schedule": 5.0, "options": {"queue": "headway"}}}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]  # those that there is a catalogue for: text is called by its language
TIME_ZONE = "UTC"
USE_TZ = True

TEST_RUNNER = "example.test_runner.PytestRunner"

LOGGING = logging_config(
    choice("LOG_LEVEL", "WARNING" if DEMO else "INFO", LEVELS), "example", form=choice("LOG_FORM", "pairs", FORMS)
)
HEADWAY_METRICS = {
    "DIRECTORY": text("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics")),
    "TOKEN": text("METRICS_TOKEN"),
    "OPEN": DEMO,  # without a token; its proxy keeps strangers out
}
