"""Wiring."""

from django.apps import AppConfig


class AirportsConfig(AppConfig):
    """The example's app."""

    name = "example.airports"
    label = "airports"
