"""All metrics as Prometheus reads them: events summed over the processes of this machine, the rest by the database."""

import os

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .events import meters, process
from .gauges import Gauges

__all__ = ["CONTENT_TYPE", "text"]

CONTENT_TYPE = CONTENT_TYPE_LATEST


def text() -> bytes:
    """Now."""
    meters()  # at least this process's own, though nothing has happened yet
    forget_the_dead()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(Gauges())
    return generate_latest(registry)


def forget_the_dead() -> None:
    """Those who have ended watch over nobody any more; what they have counted stays."""
    host = process().rpartition(".")[0]
    for file in settings.METRICS_DIR.glob(f"gauge_live*_{host}.*.db"):
        try:
            os.kill(int(file.stem.rpartition(".")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            pass  # it lives, as somebody else
