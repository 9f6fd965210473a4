"""The project's Celery app. Its settings are those of Django that begin with CELERY_; it logs as Django does."""

import logging.config
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_ready
from celery.utils.log import get_multiprocessing_logger
from django.conf import settings

__all__ = ["app"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

app = Celery("example")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()  # finds headway.tasks


@setup_logging.connect
def log_as_django_does(loglevel: int | str, **kwargs: Any) -> None:
    """In its form; how much of Celery's own, its command line says."""
    logging.config.dictConfig(settings.LOGGING)
    logging.captureWarnings(True)
    logging.getLogger("celery").setLevel(loglevel)
    pool = get_multiprocessing_logger()  # tells of children that have died
    pool.setLevel(logging.ERROR)
    pool.propagate = True


@worker_ready.connect
@beat_init.connect
def say_so(**kwargs: Any) -> None:
    """For a launcher that waits for it, at any log level: servers/celery.py does."""
    os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, b"Celery is ready.\n")
