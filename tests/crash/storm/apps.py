"""The crash run as an app of Django's: its operations are found, and every bell is rung twice."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.apps import AppConfig

from headway.conf import conf

RINGS = {"embedded": "ring", "celery": "publish"}  # what all bells of an engine go through


class StormConfig(AppConfig):
    name = "tests.crash.storm"
    label = "storm"

    def ready(self) -> None:
        doorbell = import_module(f"headway.engines.{conf().engine}.doorbell")
        ring = RINGS[conf().engine]
        setattr(doorbell, ring, twice(getattr(doorbell, ring)))


def twice(ring: Callable[..., None]) -> Callable[..., None]:
    """What a message says twice must be done once."""

    def ring_twice(*args: Any, **kwargs: Any) -> None:
        ring(*args, **kwargs)
        ring(*args, **kwargs)

    return ring_twice
