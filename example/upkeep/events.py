"""What happens is counted where it happens, in a file for each process (prometheus-client's multiprocess mode).

Whoever is scraped sums up the files of all processes of this machine, of those too that have ended. A process that
counts nothing leaves no file.
"""

import os
import socket
from functools import cache
from typing import Any

from django.conf import settings
from prometheus_client import Counter, Gauge, values

from headway.signals import part_taken_over, run_ended, start_answered, watchers_changed, write_fenced

__all__ = ["Meters", "connect", "meters", "process"]

PREVENTED = ("joined", "replayed", "refused")


def process() -> str:
    """This process among those that share the folder: containers have the same process ids, and names of their own."""
    return f"{socket.gethostname().replace('_', '-')}.{os.getpid()}"


class Meters:
    """One for each kind of event. Made at the first event, since making one opens this process's file."""

    def __init__(self) -> None:
        settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
        values.ValueClass = values.MultiProcessValue(process)  # type: ignore[no-untyped-call]
        self.starts = Counter(
            "headway_starts", "Answers to starts and retries.", ["operation", "disposition"], registry=None
        )
        self.prevented = Counter(
            "headway_duplicates_prevented", "Starts that would have doubled a run.", ["how"], registry=None
        )
        self.ended = Counter("headway_runs_ended", "Runs that have ended.", ["operation", "state"], registry=None)
        self.taken_over = Counter(
            "headway_take_overs", "Parts taken over from an owner that was gone or silent.", registry=None
        )
        self.fenced = Counter(
            "headway_fenced_writes", "Times that a worker found its part another's and wrote nothing.", registry=None
        )
        self.watchers = Gauge(
            "headway_watchers",
            "Open streams, sockets and long polls.",
            multiprocess_mode="livesum",
            registry=None,
        )
        for how in PREVENTED:
            self.prevented.labels(how)


@cache
def meters() -> Meters:
    """Those of this process."""
    return Meters()


def connect() -> None:
    """From now on, count. (A signal keeps no strong reference, but functions of a module stay.)"""
    start_answered.connect(on_start, dispatch_uid=__name__)
    run_ended.connect(on_end, dispatch_uid=__name__)
    part_taken_over.connect(on_take_over, dispatch_uid=__name__)
    write_fenced.connect(on_fence, dispatch_uid=__name__)
    watchers_changed.connect(on_watchers, dispatch_uid=__name__)


def on_start(sender: Any, operation: str, disposition: str, **kwargs: Any) -> None:
    meters().starts.labels(operation, disposition).inc()
    if disposition in PREVENTED:
        meters().prevented.labels(disposition).inc()


def on_end(sender: Any, operation: str, state: str, **kwargs: Any) -> None:
    meters().ended.labels(operation, state).inc()


def on_take_over(sender: Any, **kwargs: Any) -> None:
    meters().taken_over.inc()


def on_fence(sender: Any, **kwargs: Any) -> None:
    meters().fenced.inc()


def on_watchers(sender: Any, watchers: int, **kwargs: Any) -> None:
    meters().watchers.set(watchers)
