"""Wiring: finds the operations of every installed app, registers the checks."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class HeadwayConfig(AppConfig):
    """Put "headway" into INSTALLED_APPS."""

    name = "headway"
    verbose_name = "Headway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Registering at import time needs the apps to be ready, so these can't stand at the top.
        from . import checks, engines, webhooks  # noqa: F401
        from .contrib import checks as _of_contrib  # noqa: F401
        from .database import waiting

        engines.connect()
        waiting.connect()
        webhooks.connect()
        autodiscover_modules("operations")
