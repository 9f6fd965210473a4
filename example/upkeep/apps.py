"""Wiring: events are counted and logged, the guard is among the checks."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    """Has no models."""

    name = "example.upkeep"

    def ready(self) -> None:
        # They need the apps to be ready, so they can't stand at the top.
        from . import events, guard, story  # noqa: F401

        events.connect()
        story.connect()
