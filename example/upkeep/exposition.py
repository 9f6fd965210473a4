"""All metrics as Prometheus reads them: events summed over the processes of this machine, the rest by the database."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    Events(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(Gauges())
    return generate_latest(registry)


class Events(MultiProcessCollector):
    """Those of all processes, but for files without a byte: their process was killed while it made them."""

    def collect(self) -> Any:
        return self.merge([str(file) for file in written()], accumulate=True)  # type: ignore[no-untyped-call]


def written() -> Iterator[Path]:
    for file in settings.METRICS_DIR.glob("*.db"):
        try:
            if file.stat().st_size:
                yield file
        except FileNotFoundError:
            pass  # another process has just forgotten somebody dead


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
