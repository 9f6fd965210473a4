"""The crash run as an app of Django's: its operations are found, and every doorbell rings twice."""

from django.apps import AppConfig

from headway.engines import doorbell


class StormConfig(AppConfig):
    name = "tests.crash.storm"
    label = "storm"

    def ready(self) -> None:
        doorbell.ENGINES.update({name: f"{__package__}.twice.{name}" for name in ("embedded", "celery")})
