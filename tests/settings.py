"""Settings of the suite. The database comes from TEST_DATABASE_URL (SQLite without it).

Processes that a test starts attach to the very database that the test uses: TEST_DATABASE_NAME.
"""

import json
import os

from example.databases import database
from tests.scratch import scratch

SCRATCH = scratch()
os.environ["DATA_DIR"] = str(SCRATCH)  # the example's own data are nobody's business here

from example import settings as example  # noqa: E402  (it makes its folder when it is read)
from headway.contrib.logs import logging_config  # noqa: E402

DATABASES = {"default": database(os.environ.get("TEST_DATABASE_URL"), SCRATCH / "unused.sqlite3")}
if "TEST_DATABASE_NAME" in os.environ:
    DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE_NAME"]
elif DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": SCRATCH / "test.sqlite3"}  # a file: several processes share it

INSTALLED_APPS = [*example.INSTALLED_APPS, "django_tasks_db", "tests.app"]
MIGRATION_MODULES = {"django_tasks_database": None}  # its table as it is now, without its history
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "tests.slow"]}}
MIDDLEWARE = example.MIDDLEWARE
ROOT_URLCONF = os.environ.get("TEST_URLCONF", "example.urls")
ASGI_APPLICATION = example.ASGI_APPLICATION
TEMPLATES = example.TEMPLATES
STATIC_URL = example.STATIC_URL
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # each client has a handler of its own, which would look through all files first
LOGIN_URL = example.LOGIN_URL
LOGIN_REDIRECT_URL = example.LOGIN_REDIRECT_URL
LOGOUT_REDIRECT_URL = example.LOGOUT_REDIRECT_URL
CONTENT_SECURITY_POLICY = example.CONTENT_SECURITY_POLICY
REST_FRAMEWORK = example.REST_FRAMEWORK
SPECTACULAR_SETTINGS = example.SPECTACULAR_SETTINGS
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
SECRET_KEY = "only-for-tests"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = SCRATCH / "media"
AIRPORT_SERVICE = example.AIRPORT_SERVICE
vars().update({name: value for name, value in vars(example).items() if name.startswith(("EMAIL_", "MAILERS"))})
USE_TZ = True
TIME_ZONE = "UTC"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def headway() -> dict[str, object]:
    """HEADWAY, as this process's environment has it."""
    return {
        "ENGINE": os.environ.get("TEST_ENGINE", "embedded"),
        "LEASE_SECONDS": float(os.environ.get("TEST_LEASE_SECONDS", "10")),
        "SLICE_SECONDS": float(os.environ.get("TEST_SLICE_SECONDS", "30")),
        "STREAM_SECONDS": float(os.environ.get("TEST_STREAM_SECONDS", "50")),
        "WAKE_UPS": os.environ.get("TEST_WAKE_UPS", ""),
        "HOLDS": os.environ.get("TEST_HOLDS", ""),
        "WEBHOOKS": json.loads(os.environ.get("TEST_WEBHOOKS", "{}")),
    }


HEADWAY = headway()

SILENCED_SYSTEM_CHECKS = os.environ.get("TEST_SILENCED_CHECKS", "").split()

if HEADWAY["ENGINE"] == "celery":
    from example.celery import app as celery_app  # noqa: F401

    CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": float(os.environ.get("TEST_VISIBILITY_TIMEOUT", "3600"))}
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_WORKER_DISABLE_PREFETCH = "amqp" not in CELERY_BROKER_URL  # Celery warns of it there
    CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2
    CELERY_BEAT_SCHEDULE = {"headway": {"task": "headway.reap", "schedule": 1.0, "options": {"queue": "headway"}}}

LOGGING = logging_config("INFO")
for name in ("headway.contrib", "headway.store"):  # what a shell command says on stderr is an error
    LOGGING["loggers"][name] = {"level": "WARNING"}
DEMO = True
HEADWAY_METRICS = {"DIRECTORY": SCRATCH / "metrics", "OPEN": True}

if "TEST_SPANS" in os.environ:
    from tests.tracing.exporting import export_to

    export_to(os.environ["TEST_SPANS"])
