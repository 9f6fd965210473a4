"""Wiring: the guard is among the checks."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    """Has no models."""

    name = "example.upkeep"

    def ready(self) -> None:
        from . import guard  # noqa: F401  (it needs the apps to be ready, so it can't stand at the top)
