"""The crash run as an app of Django's: its operations are found, and every bell is rung twice."""

from collections.abc import Callable
from typing import Any

from django.apps import AppConfig


class StormConfig(AppConfig):
    name = "tests.crash.storm"
    label = "storm"

    def ready(self) -> None:
        from headway.engines.engine import chosen  # needs the models

        engine = chosen()
        setattr(engine, "ring", twice(engine.ring))  # noqa: B010  (mypy: a method is nothing to assign to)


def twice(ring: Callable[..., None]) -> Callable[..., None]:
    """What a message says twice must be done once."""

    def ring_twice(*args: Any, **kwargs: Any) -> None:
        ring(*args, **kwargs)
        ring(*args, **kwargs)

    return ring_twice
