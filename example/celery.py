"""The project's Celery app. Its settings are those of Django that begin with CELERY_."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready

__all__ = ["app"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

app = Celery("example")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()  # finds headway.tasks


@worker_ready.connect
@beat_init.connect
def say_so(**kwargs: Any) -> None:
    """For whoever waits for it, whatever is logged: example/servers/celery.py does."""
    os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, b"Celery is ready.\n")
