"""All metrics as Prometheus reads them: events summed over the processes of this machine, the rest by the database."""

import os
from collections.abc import Iterator
from hmac import compare_digest
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .counters import directory, meters, process
from .gauges import Gauges

__all__ = ["metrics"]


def metrics(request: HttpRequest) -> HttpResponse:
    """For a client that sends the token; without a token in the settings there is nothing, unless they say OPEN."""
    token = settings.HEADWAY_METRICS.get("TOKEN")
    if not token and not settings.HEADWAY_METRICS.get("OPEN"):
        return HttpResponse(status=404)
    given = request.headers.get("Authorization", "")
    if token and not compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(text(), content_type=CONTENT_TYPE_LATEST)


def text() -> bytes:
    meters()  # at least this process's own, though nothing has happened yet
    forget_the_dead()
    registry = CollectorRegistry()
    Events(registry, path=str(directory()))  # type: ignore[no-untyped-call]
    registry.register(Gauges())
    return generate_latest(registry)


class Events(MultiProcessCollector):
    """Those of all processes, but for files without a byte: their process was killed while it made them."""

    def collect(self) -> Any:
        return self.merge([str(file) for file in written()], accumulate=True)  # type: ignore[no-untyped-call]


def written() -> Iterator[Path]:
    for file in directory().glob("*.db"):
        try:
            if file.stat().st_size:
                yield file
        except FileNotFoundError:
            pass  # another process has just removed an ended one's file


def forget_the_dead() -> None:
    """Removes the gauges of ended processes, which have no watchers any more; their counters stay."""
    host = process().rpartition(".")[0]
    for file in directory().glob(f"gauge_live*_{host}.*.db"):
        try:
            os.kill(int(file.stem.rpartition(".")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            pass  # it lives, as another user
