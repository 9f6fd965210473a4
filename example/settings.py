"""Settings of the example project: SQLite by default, any database by DATABASE_URL."""

import os
from pathlib import Path

from example.databases import database

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR", BASE_DIR / "var"))
DATA_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-the-demo-on-this-machine")
DEBUG = os.environ.get("DEBUG") == "1"  # with it, Django keeps every statement of a worker in memory
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "headway",
    "example.airports",
]

DATABASES = {"default": database(os.environ.get("DATABASE_URL"), DATA_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = DATA_DIR / "media"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

TEST_RUNNER = "example.test_runner.PytestRunner"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"headway": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")}},
}
