"""All metrics as Prometheus reads them: events summed over the processes of this machine, the rest by the database.

Each process counts what happens in it, in a file of its own (prometheus-client's multiprocess mode). The scraped
process sums up the files of all processes of this machine, of ended ones too. Where nothing is counted there is none.
"""

import os
import socket
from collections.abc import Iterator
from functools import cache
from hmac import compare_digest
from itertools import product
from pathlib import Path
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from headway.operations import registry
from headway.signals import part_taken_over, run_ended, start_answered, watchers_changed, write_fenced
from headway.states import TERMINAL

from .gauges import Gauges

__all__ = ["metrics"]

COUNTED = {
    start_answered: ("starts", "Answers to starts and retries.", ["operation", "disposition"]),
    run_ended: ("runs_ended", "Runs that have ended.", ["operation", "state"]),
    part_taken_over: ("take_overs", "Parts taken over from an owner that was gone or silent.", []),
    write_fenced: ("fenced_writes", "Times that a worker found its part another's and wrote nothing.", []),
}
PREVENTED = ("joined", "replayed", "refused")
SAID = {start_answered: ("created", "queued", *PREVENTED), run_ended: sorted(TERMINAL)}  # of each operation


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
    begin_at_zero()
    forget_the_dead()
    registry = CollectorRegistry()
    Events(registry, path=str(directory()))  # type: ignore[no-untyped-call]
    registry.register(Gauges())
    return generate_latest(registry)


@cache
def begin_at_zero() -> None:
    """Makes every series, in the scraped process: Prometheus sees no rise in one that begins with its first event."""
    for signal, words in SAID.items():
        for operation, word in product(registry.every(), words):
            meters().counters[signal].labels(operation.name, word)


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


def connect() -> None:
    for signal in COUNTED:
        signal.connect(count, dispatch_uid=__name__)
    watchers_changed.connect(show_watchers, dispatch_uid=__name__)


def count(signal: Signal, **told: Any) -> None:
    labels = [told[label] for label in COUNTED[signal][2]]
    counter = meters().counters[signal]
    (counter.labels(*labels) if labels else counter).inc()
    if told.get("disposition") in PREVENTED:
        meters().prevented.labels(told["disposition"]).inc()


def show_watchers(watchers: int, **kwargs: Any) -> None:
    meters().watchers.set(watchers)


class Meters:
    """Made at the first event, since making them opens this process's file."""

    def __init__(self) -> None:
        directory().mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory())
        values.ValueClass = values.MultiProcessValue(process)  # type: ignore[no-untyped-call]
        self.counters = {
            signal: Counter(f"headway_{name}", text, labels, registry=None)
            for signal, (name, text, labels) in COUNTED.items()
        }
        doubled = "Starts that would have doubled a run."
        self.prevented = Counter("headway_duplicates_prevented", doubled, ["how"], registry=None)
        for how in PREVENTED:
            self.prevented.labels(how)
        watching = "Open streams, sockets and long polls."
        self.watchers = Gauge("headway_watchers", watching, multiprocess_mode="livesum", registry=None)


@cache
def meters() -> Meters:
    """Those of this process."""
    return Meters()


def directory() -> Path:
    """The folder for counters, which web processes and workers of a machine share."""
    return Path(str(settings.HEADWAY_METRICS["DIRECTORY"]))


def process() -> str:
    """This process among those that share the folder: containers have the same process ids, but own host names."""
    return f"{socket.gethostname().replace('_', '-')}.{os.getpid()}"
