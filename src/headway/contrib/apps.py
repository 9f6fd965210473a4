"""`"headway.contrib"` in INSTALLED_APPS: runs are told in the log and, where HEADWAY_METRICS is set, counted."""

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
        if not chosen.get("DIRECTORY"):
            raise ImproperlyConfigured('HEADWAY_METRICS has no "DIRECTORY": name a folder for the counters.')
        from . import counters  # needs the extra `metrics`

        counters.connect()
