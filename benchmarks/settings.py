"""Settings of the benchmarks. The database is BENCHMARK_DATABASE_URL, or a SQLite file in BENCHMARK_SCRATCH."""

import os
from pathlib import Path

from example.databases import database
from headway.contrib.logs import logging_config

SCRATCH = Path(os.environ["BENCHMARK_SCRATCH"])

DATABASES = {"default": database(os.environ.get("BENCHMARK_DATABASE_URL"), SCRATCH / "db.sqlite3")}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "headway",
    "example.airports",
    "benchmarks",
]
SECRET_KEY = "only-for-benchmarks"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = SCRATCH / "media"
USE_TZ = True
TIME_ZONE = "UTC"

HEADWAY = {"ENGINE": os.environ.get("BENCHMARK_ENGINE", "embedded")}

if HEADWAY["ENGINE"] == "celery":
    from example.celery import app as celery_app  # noqa: F401  (who rings needs it as much as who works)

    CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_WORKER_DISABLE_PREFETCH = True
    LOGGING = logging_config("INFO")  # a worker says there that it is ready
