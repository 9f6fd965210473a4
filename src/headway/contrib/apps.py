"""`"headway.contrib"` in INSTALLED_APPS: runs are told in the log and, where HEADWAY_METRICS is set, counted."""

from importlib.util import find_spec

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import run_lines


class ContribConfig(AppConfig):
    """Has no models."""

    name = "headway.contrib"
    label = "headway_contrib"

    def ready(self) -> None:
        run_lines.connect()
        if (chosen := getattr(settings, "HEADWAY_METRICS", None)) is None:
            return
        if not isinstance(chosen, dict) or not chosen.get("DIRECTORY"):
            raise ImproperlyConfigured(
                'HEADWAY_METRICS must be a dictionary with a "DIRECTORY", a folder for the counters, such as '
                '{"DIRECTORY": "/run/shop/metrics", "TOKEN": "…"}.'
            )
        if find_spec("prometheus_client"):  # else headway.E033 tells it, and a web server doesn't start
            from . import metrics

            metrics.connect()
