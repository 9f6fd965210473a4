"""Settings of the benchmarks. The database is BENCHMARK_DATABASE_URL, or a SQLite file in BENCHMARK_SCRATCH."""

import os
from pathlib import Path

from example.databases import database

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
